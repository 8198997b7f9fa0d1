// Short messages at the foot of the page, with a way back.

const TIME = 8000;

/**
 * Shows a message in the place of the one before, and returns a function that takes it away. With `undo`, an asynchronous
 * function, a button calls it. The message stays while it is pointed at or has the focus.
 */
export function toast(text, { undo, kind = "good" } = {}) {
  const place = document.getElementById("toasts");
  const box = document.createElement("div");
  box.className = `toast ${kind}`;
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  if (undo) box.append(button("Undo", () => act(box, words, undo)));
  box.append(button("×", () => box.remove(), "Close"));
  place.replaceChildren(box);
  expire(box);
  return () => box.remove();
}

function button(text, act, label) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button quiet small";
  button.textContent = text;
  if (label) button.setAttribute("aria-label", label);
  button.addEventListener("click", act);
  return button;
}

async function act(box, words, undo) {
  for (const own of box.querySelectorAll("button")) own.disabled = true;
  try {
    await undo();
    box.remove();
  } catch (failure) {
    words.textContent = failure.detail ?? failure.message;
    box.classList.replace("good", "bad");
    for (const own of box.querySelectorAll("button")) own.disabled = false;
  }
}

function expire(box) {
  let timer = setTimeout(() => box.remove(), TIME);
  const hold = () => clearTimeout(timer);
  const go = () => {
    clearTimeout(timer);
    timer = setTimeout(() => box.remove(), TIME);
  };
  box.addEventListener("mouseenter", hold);
  box.addEventListener("focusin", hold);
  box.addEventListener("mouseleave", go);
  box.addEventListener("focusout", go);
}
