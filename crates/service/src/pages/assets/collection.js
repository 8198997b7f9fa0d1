// List of entries: withdrawing and restoring without loading the page anew, with a way back.

import { call } from "/assets/call.js";
import { refresh } from "/assets/refresh.js";
import { toast } from "/assets/toast.js";

const OTHER = { withdraw: "restore", restore: "withdraw" };
const WORDS = { withdraw: "is withdrawn", restore: "is restored" };

async function change(id, verb) {
  const entries = document.getElementById("entries");
  const collection = encodeURIComponent(entries.dataset.collection);
  if (verb === "withdraw") await call("DELETE", `/v1/entries/${id}?collection=${collection}`);
  else await call("POST", `/v1/entries/${id}/restore?collection=${collection}`);
  const address = new URL(location.href);
  address.searchParams.delete("done");
  history.replaceState(null, "", address);
  const fresh = await refresh("entries");
  fresh.querySelector(`form[data-id="${id}"] button`)?.focus({ preventScroll: true });
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.state");
  if (!form) return;
  event.preventDefault();
  const { id, name, verb } = form.dataset;
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  try {
    await change(id, verb);
    toast(`${name} ${WORDS[verb]}.`, { undo: () => change(id, OTHER[verb]) });
  } catch (failure) {
    toast(failure.detail ?? failure.message, { kind: "bad" });
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
});
