// Review page: decisions without loading the page anew, keys, and a way back.

import { call } from "/assets/call.js";
import { refresh } from "/assets/refresh.js";
import { toast } from "/assets/toast.js";

const NAME = "active-index reviewer";
const WORDS = { confirmed: "is confirmed", rejected: "is rejected", undecided: "waits again" };
const KEYS = { c: "button[value=confirmed]", r: "button[value=rejected]", s: "a[data-skip]" };

let busy = false;
let takeBack;

const place = () => document.getElementById("review");
const article = () => place().querySelector("article[data-review]");

/** Puts another review in the middle. */
async function show(address) {
  const hadFocus = place().contains(document.activeElement);
  await refresh("review", address);
  history.replaceState(null, "", address);
  fillName();
  if (hadFocus) (article()?.querySelector("h2") ?? place()).focus({ preventScroll: true });
}

/** Does one thing at a time, and tells why it failed. */
async function alone(act) {
  if (busy) return;
  busy = true;
  place().setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (failure) {
    toast(failure.detail ?? failure.message, { kind: "bad" });
  } finally {
    busy = false;
    place().setAttribute("aria-busy", "false");
  }
}

function decide(form, decision) {
  return alone(async () => {
    const { review, name, address } = article().dataset;
    const by = form.elements.by.value.trim();
    const target = `/v1/reviews/${review}?collection=${encodeURIComponent(place().dataset.collection)}`;
    const next = form.dataset.next;
    keepName(by);
    await call("PATCH", target, by ? { decision, by } : { decision });
    await show(decision === "undecided" ? address : next);
    takeBack = async () => {
      takeBack = undefined;
      await call("PATCH", target, { decision: "undecided" });
      await show(address);
    };
    const undo = decision === "undecided" ? undefined : takeBack;
    toast(`${name} ${WORDS[decision]}.`, { undo });
  });
}

function keepName(name) {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // Without storage the name is typed again.
  }
}

function fillName() {
  const field = place().querySelector("input[name=by]");
  try {
    if (field && !field.value) field.value = localStorage.getItem(NAME) ?? "";
  } catch {
    // As above.
  }
}

/** Takes the last decision back, as its message would. */
function undoLast() {
  const buttons = [...document.querySelectorAll("#toasts .toast button")].filter((own) => own.textContent === "Undo");
  if (buttons.length > 0) buttons.at(-1).click();
  else if (takeBack) alone(takeBack);
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form.decision");
  if (!form) return;
  event.preventDefault();
  // Enter in the field of the name decides nothing.
  const decision = event.submitter?.value;
  if (decision && document.activeElement?.name !== "by") decide(form, decision);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("#review a[data-skip], #review .queue a");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  alone(() => show(link.href));
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest?.("input, textarea, select")) return;
  const key = event.key.toLowerCase();
  if (key === "u") undoLast();
  else if (KEYS[key]) article()?.querySelector(KEYS[key])?.click();
});

document.documentElement.classList.add("has-keys");
fillName();
place().setAttribute("aria-busy", "false");
