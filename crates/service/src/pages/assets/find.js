// Find page: pictures that are dropped, pasted or picked are sent one by one, and their answers appear as they come.

import "/assets/compare.js";
import { Failure, failure } from "/assets/call.js";

/** Pictures that are on their way at once. */
const TOGETHER = 2;
/** Times that a picture is sent again if the service is busy. */
const TRIES = 60;

const form = document.getElementById("find");
const input = form.elements.pictures;
const answers = document.getElementById("answers");
const progress = document.getElementById("progress");
const clear = document.getElementById("clear");
const main = document.querySelector("main");
const maxUpload = Number(form.dataset.maxUpload);

let queue = [];
let running = 0;
const count = { asked: 0, answered: 0 };

/** A picture on its way: its file, and the card that shows how far it is. */
class Lookup {
  constructor(file, effort = form.elements.effort.value) {
    this.file = file;
    this.name = file.name || "pasted picture";
    this.effort = effort;
    this.collection = form.elements.collection?.value;
    this.card = this.#draw();
  }

  #draw() {
    const card = element("article", "answer card waiting");
    card.setAttribute("aria-label", `Answer for ${this.name}`);
    const picture = element("img", "small-picture");
    picture.alt = "";
    picture.addEventListener("error", () => picture.replaceWith(element("span", "small-picture")));
    picture.src = this.address = URL.createObjectURL(this.file);
    this.buttons = element("div", "row");
    this.doing = element("p", "doing");
    card.append(picture, element("h2", "", this.name), this.buttons, this.doing);
    return card;
  }

  say(text, share) {
    this.doing.replaceChildren(text);
    if (share === undefined) return;
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", text);
    if (share !== null) bar.value = share;
    this.doing.prepend(bar);
  }

  offer(text, act) {
    const button = element("button", "button quiet small", text);
    button.type = "button";
    button.addEventListener("click", act);
    this.buttons.append(button);
  }

  async run() {
    for (let tries = 0; ; tries += 1) {
      try {
        return this.#answer(await this.#send());
      } catch (reason) {
        const isBusy = reason.status === 429 || reason.status === 503;
        if (this.isStopped) return;
        if (!isBusy || tries >= TRIES) return this.#fail(reason);
        const wait = Math.max(1, reason.retryAfter ?? 1);
        this.say(reason.status === 429 ? "The service is busy; waiting" : `Waiting: ${reason.detail}`, null);
        await new Promise((done) => setTimeout(done, 1000 * wait));
        if (this.isStopped) return;
      }
    }
  }

  #send() {
    if (this.file.size > maxUpload) {
      throw new Failure(413, `the file has more than the ${maxUpload.toLocaleString("en")} bytes allowed`);
    }
    const parameters = new URLSearchParams({ effort: this.effort, name: this.name });
    if (this.collection) parameters.set("collection", this.collection);
    return new Promise((answered, failed) => {
      const request = (this.request = new XMLHttpRequest());
      request.open("POST", `/find?${parameters}`);
      request.setRequestHeader("accept", "application/json");
      request.setRequestHeader("content-type", "application/octet-stream");
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        if (loaded < total) this.say(`Sending ${Math.round((100 * loaded) / total)} %`, loaded / total);
      });
      request.upload.addEventListener("load", () => this.say("Looking", null));
      request.addEventListener("load", () => {
        if (request.status === 200) answered(request.responseText);
        else failed(failure(request.status, request.responseText));
      });
      request.addEventListener("error", () => failed(new Failure(0, "the file cannot be read, or the service does not answer")));
      request.addEventListener("abort", () => failed(new Failure(0, "stopped")));
      this.say("Sending", 0);
      request.send(this.file);
    });
  }

  #answer(text) {
    const holder = document.createElement("template");
    holder.innerHTML = text;
    const article = holder.content.firstElementChild;
    this.card.replaceWith(article);
    this.card = article;
    for (const again of article.querySelectorAll(".again")) {
      again.hidden = false;
      again.addEventListener("click", () => this.again(again.dataset.effort));
    }
    URL.revokeObjectURL(this.address);
    count.answered += 1;
  }

  #fail({ detail }) {
    this.card.classList.add("failed");
    this.say(sentence(detail));
    this.buttons.replaceChildren();
    this.offer("Try again", () => this.again(this.effort));
    count.answered += 1;
  }

  again(effort) {
    const next = new Lookup(this.file, effort);
    count.asked -= 1;
    count.answered -= 1;
    this.card.replaceWith(next.card);
    enqueue(next);
  }

  stop() {
    this.isStopped = true;
    this.request?.abort();
    this.card.remove();
    count.asked -= 1;
    queue = queue.filter((waiting) => waiting !== this);
    tell();
  }
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function ask(files) {
  const lookups = [...files].map((file) => new Lookup(file));
  if (lookups.length === 0) return;
  answers.prepend(...lookups.map((lookup) => lookup.card));
  lookups.forEach(enqueue);
}

function enqueue(lookup) {
  lookup.say("Waiting");
  lookup.offer("Stop", () => lookup.stop());
  count.asked += 1;
  queue.push(lookup);
  tell();
  work();
}

async function work() {
  if (running >= TOGETHER || queue.length === 0) return;
  const lookup = queue.shift();
  running += 1;
  work();
  try {
    await lookup.run();
  } finally {
    running -= 1;
    tell();
    work();
  }
}

function tell() {
  const isBusy = running > 0 || queue.length > 0;
  main.setAttribute("aria-busy", String(isBusy));
  const pictures = count.asked === 1 ? "picture" : "pictures";
  progress.textContent = count.asked === 0 ? "" : `${count.answered} of ${count.asked} ${pictures} answered`;
  clear.hidden = answers.childElementCount === 0 || isBusy;
}

// Drop anywhere, paste anywhere, pick.
let depth = 0;
const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
const mark = (change) => {
  depth = Math.max(0, change);
  document.body.classList.toggle("is-dropping", depth > 0);
};
addEventListener("dragenter", (event) => hasFiles(event) && mark(depth + 1));
addEventListener("dragleave", (event) => hasFiles(event) && mark(depth - 1));
addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  mark(0);
  ask(event.dataTransfer.files);
});
addEventListener("paste", (event) => ask(event.clipboardData.files));
input.addEventListener("change", () => {
  ask(input.files);
  input.value = "";
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  input.click();
});
clear.addEventListener("click", () => {
  answers.replaceChildren();
  Object.assign(count, { asked: 0, answered: 0 });
  tell();
  input.focus();
});

// A match that is pointed at has its outline alone.
const point = ({ target }) => {
  const found = target.closest?.(".found");
  for (const answer of answers.querySelectorAll(".has-pointed")) answer.classList.remove("has-pointed");
  const answer = found?.closest(".answer");
  if (!answer || answer.querySelectorAll(".outline").length < 2) return;
  answer.classList.add("has-pointed");
  for (const outline of answer.querySelectorAll(".outline")) {
    outline.classList.toggle("is-pointed", outline.dataset.match === found.dataset.match);
  }
};
answers.addEventListener("mouseover", point);
answers.addEventListener("focusin", point);

// Pictures are sent as soon as they are picked: one button is enough.
input.classList.add("visually-hidden");
form.querySelector(".pick").hidden = false;
document.getElementById("send").hidden = true;
main.dataset.ready = "true";
tell();
