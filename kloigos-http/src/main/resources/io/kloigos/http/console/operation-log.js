// What an operation does on the host, step by step, as it happens.

import { html, nothing } from './lit.js';
import { millis, took } from './format.js';
import { isUnderWay, stateBadge } from './status.js';
import { state } from './parts.js';

export function operationLog(operation) {
  const steps = operation.steps ?? [];
  const ended = steps.filter(step => !['pending', 'running'].includes(step.state)).length;
  return html`
    <div class="log-head">${state(operation.state)} <span>${ended} of ${steps.length} steps, ${took(operation)}${operation.attempt > 1 ? `, attempt ${operation.attempt}` : ''}</span>
      ${isUnderWay(operation) ? html`<progress max=${Math.max(1, steps.length)} .value=${ended} aria-label="Steps done"></progress>` : nothing}</div>
    ${operation.error ? html`<div class="problem"><strong>Failed${operation.error_code ? html` <code>${operation.error_code}</code>` : nothing}</strong><p>${operation.error}</p></div>` : nothing}
    <ol class="log" tabindex="0" aria-label="Steps">${steps.map(step => {
      const { tone, symbol } = stateBadge(step.state);
      return html`<li class=${tone}><span class="mark" aria-hidden="true">${symbol}</span><span class="took">${['pending', 'running'].includes(step.state) ? '' : millis(step.millis)}</span>
        <span class="unseen">${step.state}:</span><span class="what">${step.description}${step.detail ? html`<br><em>${step.detail}</em>` : nothing}</span></li>`;
    })}</ol>`;
}
