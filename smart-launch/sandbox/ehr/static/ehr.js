// The chart page of the sandbox EHR: opens the app in a side panel and closes it.
"use strict";

const form = document.getElementById("launch-form");
const panel = document.getElementById("app-panel");
const place = document.getElementById("app-panel-frame");
const trouble = document.getElementById("app-panel-trouble");

async function openPanel() {
  const fields = Object.fromEntries(new FormData(form));
  // The chart's own banner stays in view beside the panel, so the app need not show one.
  const body = { ...fields, practitioner: fields.practitioner || null, need_patient_banner: false };
  place.replaceChildren();
  trouble.hidden = true;
  panel.hidden = false;
  document.body.classList.add("with-panel");
  try {
    const answer = await fetch("/launches", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
    const opened = await answer.json();
    if (!answer.ok) throw new Error(opened.issue?.[0]?.diagnostics || `status ${answer.status}`);
    const frame = document.createElement("iframe");
    frame.id = "scribe-panel";
    frame.title = "Scribe";
    frame.allow = "microphone; autoplay";
    frame.src = opened.launch_url; // set before the frame is placed: the permissions go to this address' origin
    place.append(frame);
  } catch (error) {
    trouble.textContent = `The app could not be launched: ${error.message}`;
    trouble.hidden = false;
  }
}

function closePanel() {
  place.replaceChildren();
  panel.hidden = true;
  document.body.classList.remove("with-panel");
}

document.getElementById("launch-panel").addEventListener("click", openPanel);
document.getElementById("close-panel").addEventListener("click", closePanel);
