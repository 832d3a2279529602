// What an operation does on the host, step by step, as it happens.

import { html, nothing } from './lit.js';
import { millis, took } from './format.js';
import { isUnderWay, stateBadge } from './status.js';
import { state } from './parts.js';

/** Since when this page has seen the step that runs: the server tells how long a step took when it has ended. */
let running = { step: null, since: 0 };

function duration(operation, step, index) {
  if (step.state === 'pending') return '';
  if (step.state !== 'running') return millis(step.millis);
  const name = `${operation.id} ${operation.attempt} ${index}`;
  if (running.step !== name) running = { step: name, since: Date.now() };
  const seconds = Math.floor((Date.now() - running.since) / 1000);
  return seconds ? `${seconds} s` : '';
}

function hold(event) {
  event.currentTarget.dataset.held = 'by the reader';
}

/** Keeps the step that runs in sight, until the reader looks elsewhere. */
export function followLogs(root) {
  for (const log of root.querySelectorAll('ol.log:not([data-held])')) {
    const step = log.querySelector('[aria-current=step]');
    if (step) log.scrollTop = Math.max(0, step.offsetTop + step.offsetHeight - log.offsetTop - log.clientHeight + step.offsetHeight);
  }
}

export function operationLog(operation) {
  const steps = operation.steps ?? [];
  const ended = steps.filter(step => !['pending', 'running'].includes(step.state)).length;
  return html`
    <div class="log-head">${state(operation.state)} <span>${ended} of ${steps.length} steps, ${took(operation)}${operation.attempt > 1 ? `, attempt ${operation.attempt}` : ''}</span>
      ${isUnderWay(operation) ? html`<progress max=${Math.max(1, steps.length)} .value=${ended} aria-label="Steps done"></progress>` : nothing}</div>
    ${operation.error ? html`<div class="problem"><strong>Failed${operation.error_code ? html` <code>${operation.error_code}</code>` : nothing}</strong><p>${operation.error}</p></div>` : nothing}
    <ol class="log" tabindex="0" aria-label="Steps" @wheel=${hold} @touchmove=${hold} @pointerdown=${hold} @keydown=${hold}>${steps.map((step, index) => {
      const { tone, symbol } = stateBadge(step.state);
      return html`<li class=${tone} aria-current=${step.state === 'running' ? 'step' : nothing}><span class="mark" aria-hidden="true">${symbol}</span><span class="took">${duration(operation, step, index)}</span>
        <span class="unseen">${step.state}:</span><span class="what">${step.description}${step.detail ? html`<br><em>${step.detail}</em>` : nothing}</span></li>`;
    })}</ol>`;
}
