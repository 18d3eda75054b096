"""A small server with a batch API as the protocol describes it: files, batches, states, output and error files."""

import asyncio
import json
import threading

from aiohttp import web


class BatchServer:
    """Context manager. Each look at a batch moves it on: validating, in_progress, finalizing, its end.

    `fails` are questions whose line fails with a status; `ends` is how batches end: completed, expired, cancelled or
    failed. `expires_after` lines are done before an expired or cancelled batch ends. `drops` calls of a kind ("create",
    "poll") are done but their reply is lost.
    """

    def __init__(self):
        self.files, self.batches, self.log = {}, {}, []
        self.fails, self.drops = {}, []
        self.ends, self.expires_after, self.lists = "completed", 0, True
        self.is_stuck = False
        self.url = ""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        async def start():
            app = web.Application(client_max_size=2**28)
            app.router.add_get("/v1/models", self.models)
            app.router.add_post("/v1/chat/completions", self.chat)
            app.router.add_post("/v1/files", self.upload)
            app.router.add_get("/v1/files/{id}/content", self.content)
            app.router.add_post("/v1/batches", self.create)
            app.router.add_get("/v1/batches", self.listing)
            app.router.add_get("/v1/batches/{id}", self.look)
            self.runner = web.AppRunner(app, shutdown_timeout=0.1)
            await self.runner.setup()
            await web.TCPSite(self.runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/v1"
            started.set()

        def serve():
            self.loop.run_until_complete(start())
            self.loop.run_forever()

        self.thread = threading.Thread(target=serve, daemon=True)
        self.thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self.runner.cleanup(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def asked(self):
        """Questions of all batches that were made, in order; a question that was submitted twice is there twice."""
        lines = [line for batch in self.batches.values() for line in self.lines_of(batch)]
        return [line["body"]["messages"][-1]["content"] for line in lines]

    def lines_of(self, batch):
        return [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]

    async def models(self, request):
        return web.json_response({"data": [{"id": "m"}]})

    async def chat(self, request):
        return web.json_response(self.reply(await request.json()))

    def reply(self, body):
        said = "said " + body["messages"][-1]["content"]
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        return {"model": "m", "choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}

    async def upload(self, request):
        form = await request.post()
        if form.get("purpose") != "batch":
            return web.json_response({"error": {"message": "purpose must be batch"}}, status=400)
        id_ = f"file-{len(self.files)}"
        self.files[id_] = form["file"].file.read()
        self.log.append("upload")
        return web.json_response({"id": id_, "object": "file", "purpose": "batch"})

    async def content(self, request):
        if request.match_info["id"] not in self.files:
            return web.json_response({"error": {"message": "no such file"}}, status=404)
        return web.Response(body=self.files[request.match_info["id"]])

    async def create(self, request):
        body = await request.json()
        if body["input_file_id"] not in self.files or body["endpoint"] != "/v1/chat/completions":
            return web.json_response({"error": {"message": "bad batch"}}, status=400)
        id_ = f"batch-{len(self.batches)}"
        self.batches[id_] = body | {"id": id_, "object": "batch", "status": "validating", "looks": 0}
        self.log.append("create")
        return self.sent(request, self.batches[id_], "create")

    async def listing(self, request):
        if not self.lists:
            return web.json_response({"error": {"message": "not here"}}, status=404)
        newest = list(self.batches.values())[::-1]
        after = request.query.get("after")
        start = next((k + 1 for k, b in enumerate(newest) if b["id"] == after), 0)
        page = newest[start : start + 2]  # small pages, so that turning them is tested
        return web.json_response({"data": page, "has_more": start + 2 < len(newest)})

    async def look(self, request):
        batch = self.batches.get(request.match_info["id"])
        if batch is None:
            return web.json_response({"error": {"message": "no such batch"}}, status=404)
        states = ["validating", "in_progress", "finalizing", self.ends]
        if not self.is_stuck:
            batch["looks"] = min(batch["looks"] + 1, len(states) - 1)
        batch["status"] = states[batch["looks"]]
        self.log.append("look")
        if batch["status"] == self.ends and "request_counts" not in batch:
            self.end(batch)
        return self.sent(request, batch, "poll")

    def sent(self, request, batch, kind):
        if kind in self.drops:
            self.drops.remove(kind)
            request.transport.close()
        return web.json_response({k: v for k, v in batch.items() if k != "looks"})

    def end(self, batch):
        lines = self.lines_of(batch)
        n_done = len(lines) if self.ends == "completed" else self.expires_after
        output, errors = [], []
        for k, line in enumerate(lines):
            question = line["body"]["messages"][-1]["content"]
            made = {"id": f"r{k}", "custom_id": line["custom_id"], "response": None, "error": None}
            if k >= n_done:
                errors.append(made | {"error": {"code": f"batch_{self.ends}", "message": "not done in time"}})
            elif question in self.fails:
                body = {"error": {"message": "planned fault"}}
                errors.append(made | {"response": {"status_code": self.fails[question], "body": body}})
            else:
                output.append(made | {"response": {"status_code": 200, "body": self.reply(line["body"])}})
        if self.ends == "failed":
            batch["errors"] = {"data": [{"code": "invalid", "message": "line 1 is not valid"}]}
            return
        for name, rows in (("output_file_id", output[::-1]), ("error_file_id", errors)):
            if rows:
                id_ = f"file-{len(self.files)}"
                self.files[id_] = "".join(json.dumps(row) + "\n" for row in rows).encode()
                batch[name] = id_
        batch["request_counts"] = {"total": len(lines), "completed": len(output), "failed": len(errors)}
