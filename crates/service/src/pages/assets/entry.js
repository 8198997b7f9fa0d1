// Page of an entry: further rows for fields.

const add = document.querySelector("button[data-add]");
const rows = document.querySelector(".field-rows");

if (add && rows) {
  add.hidden = false;
  add.addEventListener("click", () => {
    const row = rows.lastElementChild.cloneNode(true);
    for (const input of row.querySelectorAll("input")) input.value = "";
    rows.append(row);
    row.querySelector("input:not([type=hidden])").focus();
  });
}
