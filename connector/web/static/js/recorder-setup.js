/* Which microphone, a check of it, and the other side of a call. In: what the clinician chooses. Out: the same, remembered. */

import { canShareTab, checkMicrophone, chosenMicrophone, chooseMicrophone, listMicrophones, openTab } from "./recorder-sound.js";
import { explainMicrophone } from "./recorder-state.js";
import { say } from "./shell.js";

const QUIET = 0.12; // of the meter's width: nothing louder than this was heard
const ONE_SIDE = "Only your side is recorded";
const framed = window.self !== window.top;

/** Wires the set-up card of a recorder, and keeps its list of microphones current. */
export function enableSetUp(recorder) {
  const find = (name) => recorder.screen.find(name);
  const list = find("microphones");
  let address = null;

  async function refresh() {
    const all = await listMicrophones().catch(() => []);
    recorder.screen.microphones(all, recorder.run?.device || chosenMicrophone());
    showSides();
  }

  function showSides() {
    const call = recorder.main.querySelector("[name=where][value=call]").checked;
    find("call").hidden = !call;
    find("share").hidden = !canShareTab() || recorder.tab !== null;
    if (recorder.tab) find("call-words").textContent = "The call's sound is recorded as well, as a second channel.";
    else if (canShareTab()) find("call-words").textContent = `${ONE_SIDE}, until the call's sound is added: choose its tab and tick “Share tab audio”. A call in a program of its own has no tab; turn its loudspeaker up.`;
    else find("call-words").textContent = `${ONE_SIDE}: this browser cannot record the sound of a tab. Turn the call's loudspeaker up, so that the microphone hears it.`;
    find("sides").textContent = !call ? "" : recorder.tab ? "Both sides are recorded" : ONE_SIDE;
  }

  async function check() {
    const words = find("check-words");
    const sound = find("check-sound");
    find("check").disabled = true;
    sound.hidden = true;
    words.textContent = "Say something…";
    say("Say something now. The check takes 3 seconds.");
    try {
      const heard = await checkMicrophone((level) => recorder.screen.level(level));
      if (address) URL.revokeObjectURL(address);
      address = heard.address;
      sound.src = address;
      sound.hidden = false;
      const told = heard.loudest > QUIET ? `${heard.name}: this is what was heard.` : `${heard.name}: hardly anything was heard. Try another microphone.`;
      words.textContent = `${told} It is played back and never leaves this browser.`;
      say(told);
      recorder.screen.trouble(null);
      sound.play().catch(() => {});
      await refresh();
    } catch (error) {
      words.textContent = "";
      recorder.screen.trouble(explainMicrophone(error.name, { framed }));
    } finally {
      recorder.screen.level(0);
      find("check").disabled = recorder.run !== null;
    }
  }

  async function share() {
    try {
      recorder.tab = await openTab();
    } catch {
      recorder.tab = null;
    }
    if (!recorder.tab) {
      find("call-words").textContent = `${ONE_SIDE}: no sound came with what was chosen. Choose the tab of the call again and tick “Share tab audio”.`;
      say(`${ONE_SIDE}.`);
      return;
    }
    say("The call's sound is added.");
    await recorder.renew();
  }

  list.addEventListener("change", () => {
    chooseMicrophone(list.value);
    recorder.renew();
  });
  find("check").addEventListener("click", check);
  find("check").disabled = false;
  find("share").addEventListener("click", share);
  for (const choice of recorder.main.querySelectorAll("[name=where]")) choice.addEventListener("change", showSides);
  navigator.mediaDevices?.addEventListener?.("devicechange", refresh);
  recorder.changed = () => {
    find("check").disabled = recorder.run !== null;
    refresh();
  };
  refresh();
}
