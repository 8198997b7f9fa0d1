// Release page: pictures are dropped, pasted or picked, sent one after the other, and their queue is followed.

import { failure } from "/assets/call.js";
import { refresh } from "/assets/refresh.js";
import { toast } from "/assets/toast.js";

const PERIOD = 1000;

const form = document.getElementById("release");
const input = form?.querySelector("input[type=file]");
const chosen = form?.querySelector(".chosen");
const sending = document.getElementById("sending");
let files = [];

function add(list) {
  const pictures = [...list].filter((file) => file.type === "" || file.type.startsWith("image/"));
  if (pictures.length < list.length) toast("Only pictures are released.", { kind: "bad" });
  files.push(...pictures);
  showChosen();
}

function showChosen() {
  chosen.hidden = files.length === 0;
  chosen.replaceChildren(...files.map(chosenRow));
  input.required = files.length === 0;
}

function chosenRow(file) {
  const row = document.createElement("li");
  const name = document.createElement("span");
  name.textContent = file.name;
  const drop = document.createElement("button");
  drop.type = "button";
  drop.className = "button quiet small";
  drop.textContent = "×";
  drop.setAttribute("aria-label", `Leave ${file.name} out`);
  drop.addEventListener("click", () => {
    files = files.filter((other) => other !== file);
    showChosen();
  });
  row.append(name, drop);
  return row;
}

/** Sends each picture by itself: what is accepted is kept, whatever happens to the others. */
async function send() {
  const fields = [...form.querySelectorAll("fieldset input[name]")].filter((own) => own.name && own.value.trim());
  const collection = encodeURIComponent(document.getElementById("queue").dataset.collection);
  const total = files.length;
  while (files.length > 0) {
    const [file] = files;
    sending.textContent = `Sending ${total - files.length + 1} of ${total}: ${file.name}`;
    const body = new FormData();
    for (const own of fields) body.append(own.name, own.value.trim());
    body.append("picture", file, file.name);
    await accepted(`/v1/release?collection=${collection}`, body, file);
    files = files.filter((other) => other !== file);
    showChosen();
    follow();
  }
  sending.textContent = "";
  toast(total === 1 ? "1 picture is accepted." : `${total} pictures are accepted.`);
}

/** Sends until the service has room, under one key, so that nothing is released twice. */
async function accepted(address, body, file) {
  const key = `${file.name.length}-${file.size}-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;
  for (;;) {
    const headers = { accept: "application/json", "idempotency-key": key };
    const answer = await fetch(address, { method: "POST", headers, body });
    if (answer.ok) return;
    const reason = failure(answer.status, await answer.text());
    // Most reasons begin with the name of the picture.
    const named = reason.detail.startsWith(`${file.name}:`) ? reason.detail : `${file.name}: ${reason.detail}`;
    if (reason.status !== 429) throw new Error(named);
    await new Promise((go) => setTimeout(go, 1000 * (reason.retryAfter ?? 1)));
  }
}

let timer;

/** Takes the queue anew while something in it goes on. */
function follow() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    try {
      const queue = document.getElementById("queue");
      const focused = queue.contains(document.activeElement) ? document.activeElement : undefined;
      const label = focused?.getAttribute("aria-label") ?? focused?.textContent;
      const place = focused?.closest("[data-release]")?.dataset.release;
      const fresh = await refresh("queue", location.pathname + location.search);
      if (place) {
        const row = fresh.querySelector(`[data-release="${CSS.escape(place)}"]`);
        const again = [...(row?.querySelectorAll("a, button") ?? [])];
        again.find((own) => (own.getAttribute("aria-label") ?? own.textContent) === label)?.focus({ preventScroll: true });
      }
      if (fresh.dataset.busy === "true") follow();
    } catch {
      follow();
    }
  }, PERIOD);
}

/** Adds a field whose name is typed, too. */
function addField() {
  const row = document.createElement("div");
  row.className = "field-row grows";
  const name = document.createElement("input");
  name.placeholder = "name";
  name.setAttribute("aria-label", "Name of the field");
  const value = document.createElement("input");
  value.placeholder = "value";
  value.setAttribute("aria-label", "Value of the field");
  name.addEventListener("input", () => (value.name = name.value.trim()));
  row.append(name, value);
  form.querySelector("fieldset").append(row);
  name.focus();
}

if (form) {
  input.addEventListener("change", () => {
    add(input.files);
    input.value = "";
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    button.disabled = true;
    try {
      await send();
    } catch (reason) {
      sending.textContent = "";
      toast(reason.message, { kind: "bad" });
    } finally {
      button.disabled = false;
    }
  });
  const field = form.querySelector("[data-field]");
  field.hidden = false;
  field.addEventListener("click", addField);
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length > 0) add(event.clipboardData.files);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) form.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    add(event.dataTransfer.files);
  });
  if (document.getElementById("queue").dataset.busy === "true") follow();
}
