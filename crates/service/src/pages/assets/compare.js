// <compare-view>: lays the query over the entry, with a curtain or by fading, and shows their difference.

const MODES = [
  ["curtain", "Curtain"],
  ["fade", "Fade"],
  ["only-difference", "Difference"],
  ["beside", "Side by side"],
];

class CompareView extends HTMLElement {
  #stage;
  #range;
  #place;
  #note;

  connectedCallback() {
    if (this.classList.contains("is-ready")) return;
    this.#stage = this.querySelector(".stage");
    this.prepend(this.#choice());
    this.append(this.#slider());
    this.#note = document.createElement("p");
    this.#note.className = "note";
    this.append(this.#note);
    this.#cut();
    this.#stage.addEventListener("pointerdown", (event) => this.#drag(event));
    this.classList.add("is-ready");
    this.#show("curtain");
  }

  // What the query does not cover is left out, so that the entry is seen there.
  #cut() {
    const corners = this.querySelector(".covered")?.getAttribute("points").split(" ");
    if (!corners) return;
    const place = (share) => `${(100 * Number(share)).toFixed(2)}%`;
    const polygon = corners.map((corner) => corner.split(",").map(place).join(" ")).join(", ");
    this.querySelector(".laid img").style.clipPath = `polygon(${polygon})`;
  }

  #choice() {
    const bar = document.createElement("div");
    bar.className = "tabs";
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "How to compare");
    for (const [mode, text] of MODES) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.mode = mode;
      button.textContent = text;
      button.addEventListener("click", () => this.#show(mode));
      bar.append(button);
    }
    return bar;
  }

  #slider() {
    const label = document.createElement("label");
    label.className = "place";
    const [left, right] = ["Entry", "Your picture"].map((text) => {
      const span = document.createElement("span");
      span.textContent = text;
      return span;
    });
    this.#range = document.createElement("input");
    Object.assign(this.#range, { type: "range", min: 0, max: 100, value: 50 });
    this.#range.setAttribute("aria-label", "From the entry to your picture");
    this.#range.addEventListener("input", () => this.#move());
    label.append(left, this.#range, right);
    this.#place = label;
    return label;
  }

  #show(mode) {
    this.#stage.className = `stage ${mode}`;
    this.dataset.mode = mode;
    for (const button of this.querySelectorAll("[data-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
    this.#place.hidden = mode === "beside" || mode === "only-difference";
    this.#note.textContent = this.#words(mode);
    this.#note.hidden = !this.#note.textContent;
    this.#move();
  }

  #words(mode) {
    const difference = this.querySelector(".difference figcaption");
    return mode === "only-difference" ? difference.textContent : "";
  }

  // The slider runs from the entry to the query: the curtain goes from right to left.
  #move() {
    const value = Number(this.#range.value);
    const place = this.dataset.mode === "curtain" ? `${100 - value}%` : String(value / 100);
    this.#stage.style.setProperty("--place", place);
  }

  #drag(event) {
    if (this.dataset.mode !== "curtain" || event.button !== 0) return;
    const follow = ({ clientX }) => {
      const { left, width } = this.#stage.getBoundingClientRect();
      this.#range.value = String(100 - (100 * (clientX - left)) / width);
      this.#move();
    };
    event.preventDefault();
    this.#stage.setPointerCapture(event.pointerId);
    follow(event);
    this.#stage.addEventListener("pointermove", follow);
    const end = () => this.#stage.removeEventListener("pointermove", follow);
    this.#stage.addEventListener("pointerup", end, { once: true });
    this.#stage.addEventListener("pointercancel", end, { once: true });
  }
}

customElements.define("compare-view", CompareView);
