"""Sheets and papers, as small as they can be, written by hand: no library that writes them is needed."""

import zipfile

import pytest


@pytest.fixture
def sheet(tmp_path):
    """Rows as an Excel file."""
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"

    def cell(value):
        return f"<c><v>{value}</v></c>" if isinstance(value, int) else f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    def write(rows):
        body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
        parts = {
            "[Content_Types].xml": f'<Types xmlns="{types}"><Default Extension="rels" ContentType="application/vnd.'
            'openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType='
            f'"{kind}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet'
            '+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{links}"><Relationship Id="r1" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="s" sheetId="1" '
            'r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{links}"><Relationship Id="r1" '
            f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
        }
        path = tmp_path / "sheet.xlsx"
        with zipfile.ZipFile(path, "w") as file:
            for name, text in parts.items():
                file.writestr(name, text)
        return path

    return write


@pytest.fixture
def pdf(tmp_path):
    """Pages of one line each as a PDF."""

    def write(name, pages):
        kids = " ".join(f"{4 + 2 * k} 0 R" for k in range(len(pages)))
        objects = [
            "<< /Type /Catalog /Pages 2 0 R >>",
            f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
        for k, words in enumerate(pages):
            drawn = f"BT /F1 12 Tf 72 700 Td ({words}) Tj ET" if words else ""
            objects += [
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * k} 0 R "
                "/Resources << /Font << /F1 3 0 R >> >> >>",
                f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
            ]
        body = "".join(f"{number} 0 obj\n{held}\nendobj\n" for number, held in enumerate(objects, start=1))
        path = tmp_path / name
        path.write_text(f"%PDF-1.4\n{body}trailer\n<< /Root 1 0 R >>\n")  # readers find the places themselves
        return path

    return write
