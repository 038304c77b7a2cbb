"use strict";
// The page is whole without this: it adds buttons that sort, search and copy.

const make = (name, properties) => Object.assign(document.createElement(name), properties);

const copies = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
};

const select = (element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
};

for (const block of document.querySelectorAll(".copyable")) {
  const code = block.querySelector("code");
  const button = make("button", { type: "button", className: "copy", textContent: "copy" });
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    const done = await copies(code.textContent);
    if (!done) select(code);
    button.textContent = done ? "copied" : "selected";
    setTimeout(() => { button.textContent = "copy"; }, 2000);
  });
  block.append(button);
  block.classList.add("ready");
}

const value = (row, column, textual) => {
  const cell = row.cells[column];
  if (textual) return cell.textContent.trim();
  return cell.dataset.value === "" ? -Infinity : Number(cell.dataset.value);
};

const sort = (table, heading) => {
  const column = heading.cellIndex;
  const textual = heading.dataset.sort === "text";
  const before = heading.getAttribute("aria-sort");
  const ascending = before === null ? textual : before === "descending";
  const compare = textual ? (a, b) => a.localeCompare(b) : (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    const order = compare(value(a, column, textual), value(b, column, textual));
    return ascending ? order : -order;
  });
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  rows.forEach((row, place) => row.classList.toggle("more", place >= Number(table.dataset.shown)));
  table.tBodies[0].append(...rows);
};

const tools = (table) => {
  const rows = [...table.tBodies[0].rows];
  const shown = Number(table.dataset.shown);
  const bar = make("div", { className: "tools" });
  const label = make("label", { textContent: "Find " });
  const field = make("input", { type: "search", placeholder: "table, column, text …" });
  const found = make("span", { className: "quiet" });
  found.setAttribute("role", "status");
  label.append(field);
  bar.append(label, found);
  let whole = rows.length <= shown;
  const refresh = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) count += 1;
    }
    found.textContent = words.length > 0 ? `${count} of ${rows.length}` : "";
    table.classList.toggle("cut", !whole && words.length === 0);
  };
  field.addEventListener("input", refresh);
  if (!whole) {
    const more = make("button", { type: "button", className: "tool", textContent: `Show all ${rows.length}` });
    more.setAttribute("aria-pressed", "false");
    more.addEventListener("click", () => {
      whole = !whole;
      more.setAttribute("aria-pressed", String(whole));
      refresh();
    });
    bar.append(more);
  }
  table.before(bar);
  refresh();
};

for (const table of document.querySelectorAll(".sortable")) {
  for (const heading of table.tHead.rows[0].cells) {
    const button = make("button", { type: "button", textContent: heading.textContent });
    button.addEventListener("click", () => sort(table, heading));
    heading.replaceChildren(button);
  }
  if (table.tBodies[0].rows.length > 10) tools(table);
}

// A link to a node opens what it stands in; the flame graph and the tree point at each other.
const reveal = (id) => {
  const target = id && document.getElementById(id);
  if (!target) return;
  for (let above = target; above; above = above.parentElement) {
    if (above.tagName === "DETAILS") above.open = true;
  }
  target.scrollIntoView({ block: "center" });
};
addEventListener("hashchange", () => reveal(location.hash.slice(1)));
reveal(location.hash.slice(1));

const light = (id, on) => {
  document.getElementById(id)?.classList.toggle("lit", on);
  for (const block of document.querySelectorAll(`[data-node="${id}"]`)) block.classList.toggle("lit", on);
};
for (const block of document.querySelectorAll("[data-node]")) {
  block.addEventListener("click", () => { location.hash = block.dataset.node; });
  block.addEventListener("pointerenter", () => light(block.dataset.node, true));
  block.addEventListener("pointerleave", () => light(block.dataset.node, false));
}
for (const node of document.querySelectorAll(".tree li")) {
  const line = node.querySelector(".line");
  line.addEventListener("pointerenter", () => light(node.id, true));
  line.addEventListener("pointerleave", () => light(node.id, false));
}
