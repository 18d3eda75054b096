// Extras only: every page works without this file.
"use strict";

const typing = (event) => event.target.closest("input, select, textarea, [contenteditable]");

// Puts the parts with this mark that the page at an address has now in the place of those that are shown.
async function renew(url, mark) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll(mark)) {
    const now = old.id && page.getElementById(old.id);
    if (now && !old.contains(document.activeElement)) old.replaceWith(now);
  }
  equip();
}

// A page of something that goes on says where news comes from: the server tells that there is some.
const live = document.querySelector("[data-news]");
if (live && window.EventSource) {
  const news = new EventSource(live.dataset.news);
  news.onmessage = (event) => {
    if (event.data === "over") news.close();
    renew(location.href, "[data-live]");
  };
}

// Previous and next by keyboard, through the links that are there.
document.addEventListener("keydown", (event) => {
  const way = { ArrowLeft: "prev", ArrowRight: "next", j: "next", k: "prev" }[event.key];
  if (!way || event.altKey || event.ctrlKey || event.metaKey || typing(event)) return;
  const link = document.querySelector(`a[rel=${way}]`);
  if (link) link.click();
});

// A slider goes to the page of its value; the links beside it do so without script.
for (const slider of document.querySelectorAll("input[data-goes]")) {
  slider.closest("[hidden]")?.removeAttribute("hidden");
  const go = () => {
    const url = new URL(location.href);
    url.searchParams.set(slider.name, slider.value);
    const out = document.querySelector(`output[for=${slider.id}]`);
    if (out) out.value = slider.value;
    history.replaceState(null, "", url);
    renew(url, "[data-round]");
  };
  let later;
  slider.addEventListener("input", () => { clearTimeout(later); later = setTimeout(go, 40); });
}

// Lines that one wants elsewhere.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.textContent = button.dataset.done;
  });
}

// A list that chooses among pages needs no button where there is script.
for (const form of document.querySelectorAll("form[data-at-once]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

// What a person's page has more of where there is script; done again for what was renewed.
function equip() {
  document.querySelectorAll("output[id^=sum]").forEach(addUp);
  document.querySelectorAll("ol[data-order]").forEach(letDrag);
}

// What the parts of a whole add up to so far; the server says it too when they do not.
function addUp(sum) {
  const parts = [...document.querySelectorAll(`input[data-part=${sum.id}]`)];
  const add = () => {
    const total = parts.reduce((all, part) => all + (parseFloat(part.value.replace(",", ".")) || 0), 0);
    sum.value = Math.round(total * 1e6) / 1e6;
  };
  sum.closest("[hidden]")?.removeAttribute("hidden");
  parts.forEach((part) => part.addEventListener("input", add));
  add();
}

// An order by dragging, beside the buttons, which know their place in it.
function letDrag(list) {
  let moved = null;
  const note = () => {
    const all = [...list.children];
    document.getElementById(list.dataset.order).value = all.map((one) => one.dataset.at).join(",");
    all.forEach((one, k) => {
      const [up, down] = one.querySelectorAll("button");
      up.value = `up ${k}`;
      down.value = `down ${k}`;
      up.disabled = k === 0;
      down.disabled = k === all.length - 1;
    });
  };
  for (const one of list.children) {
    one.draggable = true;
    one.addEventListener("dragstart", () => { moved = one; });
    one.addEventListener("dragover", (event) => {
      if (!moved) return;
      event.preventDefault();
      const { top, height } = one.getBoundingClientRect();
      if (moved !== one) one[event.clientY < top + height / 2 ? "before" : "after"](moved);
    });
    one.addEventListener("dragend", () => { moved = null; note(); });
  }
}
equip();
