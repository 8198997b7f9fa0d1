// Status page: taken anew every few seconds, while it is looked at.

import { refresh } from "/assets/refresh.js";

const PERIOD = 10_000;

async function follow() {
  const isRead = document.getElementById("status").contains(document.activeElement);
  if (!document.hidden && !isRead) {
    try {
      await refresh("status");
    } catch {
      // The service may be starting anew; the next time tells.
    }
  }
  setTimeout(follow, PERIOD);
}

setTimeout(follow, PERIOD);
