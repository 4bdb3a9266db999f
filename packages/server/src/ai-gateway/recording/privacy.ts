import { createHmac, hkdfSync } from 'node:crypto'

import type { AIPrivacyLevel } from '@slipway/contract'
import { StepBudget } from '../../linear-regexp/index.ts'
import type { DeploymentSecrets } from '../../secrets/index.ts'
import { editTexts } from '../guardrails/json-texts.ts'
import { redacted, SecretScanner } from '../guardrails/secret-scanner.ts'
import { parseJson } from '../wires/json.ts'

/** Says how much of what is asked is kept (AG-B16). */
export class Privacy {
  readonly #hashKey: Buffer
  #scanner: SecretScanner | undefined

  constructor({ relayKey }: Pick<DeploymentSecrets, 'relayKey'>) {
    this.#hashKey = Buffer.from(hkdfSync('sha256', relayKey, '', 'slipway hash of a prompt', 32))
  }

  /** A text as it is kept: as it was, without secrets and what tells of persons, as a keyed digest, or not at all. */
  text(level: AIPrivacyLevel, text: string): string {
    switch (level) {
      case 'full':
        return text
      case 'redacted':
        return this.#redacted(text)
      case 'hash':
        return text === '' ? '' : this.#digest(text)
      case 'none':
        return ''
    }
  }

  /** The same for JSON; what it becomes is JSON too. */
  json(level: AIPrivacyLevel, json: string): string {
    switch (level) {
      case 'full':
        return json
      case 'redacted':
        return parseJson(json) === undefined
          ? this.#redacted(json)
          : editTexts(json, (text) => this.#redacted(text), 'arguments')
      case 'hash':
        return JSON.stringify(this.#digest(json))
      case 'none':
        return '{}'
    }
  }

  /** What a provider says is wrong, which often quotes what was asked. */
  errorMessage(level: AIPrivacyLevel, message: string): string {
    return level === 'full' ? message : level === 'redacted' ? this.#redacted(message) : ''
  }

  #redacted(text: string): string {
    this.#scanner ??= new SecretScanner([], { personal: true })
    // It is for patterns of administrators, of which there are none here.
    return redacted(text, this.#scanner.find(text, new StepBudget(0)))
  }

  /** Tells that two are the same, and nobody without the deployment's key what they are. */
  #digest(text: string): string {
    return `hmac-sha256:${createHmac('sha256', this.#hashKey).update(text).digest('hex')}`
  }
}
