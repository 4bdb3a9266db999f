import type { GuardrailSettings } from '../../ai-governance/index.ts'
import type { AppContext } from '../../context.ts'
import { StepBudget, StepBudgetExceeded } from '../../linear-regexp/index.ts'
import { GuardedFetch } from '../../outbound/index.ts'
import { GatewayError } from '../exchange/gateway-error.ts'
import type { GatewayMetrics } from '../observation/metrics.ts'
import { bodyText, parseJson } from '../wires/json.ts'
import { editTexts } from './json-texts.ts'
import { redacted, SecretScanner } from './secret-scanner.ts'
import { askWebhook, type WebhookDecision, type WebhookQuestion } from './webhook.ts'

/** For the patterns of administrators, of one request: some tenths of a second. */
const STEPS = 20_000_000

const WITHHELD = '[withheld by a guardrail: it holds secrets, or could not be checked]'

/** What is looked at before a provider is asked. */
export interface Inspected {
  readonly body: Uint8Array
  readonly prompt: string | undefined
  readonly signal: AbortSignal
  readonly question: WebhookQuestion
}

/** What guardrails say of a request (AG-B17). */
export interface Inspection {
  /** What is sent in place of the body of the client. */
  readonly body: Uint8Array
  /** The prompt as it is recorded. */
  readonly prompt: string | undefined
  /** For the record of the request. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** Why it must not be sent; undefined where it may. */
  readonly refusal: GatewayError | undefined
}

/** How many of each kind of secret were found. */
type Findings = Readonly<Record<string, number>>

interface Scanned {
  /** Undefined where it stays as it is. */
  readonly body: string | undefined
  readonly prompt: string | undefined
  readonly findings: Findings
  /** Why not all of it was looked at; undefined where it was. */
  readonly unchecked: string | undefined
}

/** Looks for secrets in what is asked, and asks a service whether it may be (AG-B17). */
export class Guardrails implements Disposable {
  readonly #context: AppContext
  readonly #settings: () => GuardrailSettings
  readonly #metrics: Pick<GatewayMetrics, 'guarded'>
  readonly #fetch: GuardedFetch
  #scanner: { readonly key: string; readonly of: SecretScanner } | undefined

  constructor(
    context: AppContext,
    settings: () => GuardrailSettings,
    metrics: Pick<GatewayMetrics, 'guarded'>,
  ) {
    this.#context = context
    this.#settings = settings
    this.#metrics = metrics
    this.#fetch = new GuardedFetch(context.config.aiGatewayWebhookAllowedPrivateCidrs)
  }

  /** Whether anything is looked at. */
  get on(): boolean {
    const { secrets, webhookUrl } = this.#settings()
    return secrets !== 'off' || webhookUrl !== ''
  }

  /** What becomes of a request. @throws the reason of the signal. */
  async inspect(asked: Inspected): Promise<Inspection> {
    const settings = this.#settings()
    const scanned = settings.secrets === 'off' ? undefined : this.#scan(asked, settings)
    const secrets = scanned === undefined ? undefined : this.#judged(scanned, settings)
    const body = scanned?.body === undefined ? asked.body : Buffer.from(scanned.body)
    const prompt = scanned === undefined ? asked.prompt : scanned.prompt
    const noted = secrets?.decision === undefined ? {} : { secrets: secrets.noted }
    if (secrets?.refusal !== undefined || settings.webhookUrl === '')
      return { body, prompt, metadata: metadataOf(noted), refusal: secrets?.refusal }
    const decision = await askWebhook(
      { fetch: this.#fetch, now: this.#context.clock.now(), log: this.#context.log },
      settings,
      { ...asked.question, prompt, findings: scanned?.findings ?? {} },
      body,
      asked.signal,
    )
    this.#metrics.guarded('webhook', decision.decision)
    return {
      body,
      prompt,
      metadata: metadataOf({ ...noted, webhook: decision }),
      refusal: refusalOf(decision, settings),
    }
  }

  /** What of a text that a tool of the gateway has given goes on to a provider; undefined where all of it does. */
  get screen(): ((text: string) => string) | undefined {
    const { secrets, patterns } = this.#settings()
    if (secrets === 'off') return undefined
    return (text) => {
      const decide = (decision: 'flagged' | 'redacted' | 'blocked', shown: string): string => {
        this.#metrics.guarded('secrets', decision)
        return shown
      }
      try {
        const found = this.#scannerFor(patterns).find(text, new StepBudget(STEPS))
        if (found.length === 0) return text
        if (secrets === 'flag') return decide('flagged', text)
        if (secrets === 'redact') return decide('redacted', redacted(text, found))
      } catch (error) {
        if (!(error instanceof StepBudgetExceeded)) throw error
        if (secrets === 'flag') return decide('flagged', text)
      }
      return decide('blocked', WITHHELD)
    }
  }

  #scan({ body, prompt }: Inspected, settings: GuardrailSettings): Scanned {
    const scanner = this.#scannerFor(settings.patterns)
    const budget = new StepBudget(STEPS)
    const findings: Record<string, number> = {}
    const text = bodyText(body)
    const redacts = settings.secrets === 'redact'
    // What is kept of a request that is refused needs its secrets as little as a provider does.
    const hides = settings.secrets !== 'flag'
    const unread = prompt === undefined || !hides ? prompt : WITHHELD
    if (parseJson(text) === undefined)
      return { body: undefined, prompt: unread, findings, unchecked: 'it is not JSON that can be checked' }
    try {
      const edited = editTexts(text, (value) => {
        const found = scanner.find(value, budget)
        if (found.length === 0) return undefined
        for (const { kind } of found) findings[kind] = (findings[kind] ?? 0) + 1
        return redacts ? redacted(value, found) : undefined
      })
      return {
        body: edited === text ? undefined : edited,
        prompt: prompt === undefined || !hides ? prompt : redacted(prompt, scanner.find(prompt, budget)),
        findings,
        unchecked: undefined,
      }
    } catch (error) {
      if (!(error instanceof StepBudgetExceeded)) throw error
      const unchecked = 'it is too long for the patterns that it must be checked for'
      return { body: undefined, prompt: unread, findings, unchecked }
    }
  }

  #judged({ findings, unchecked }: Scanned, { secrets: mode }: GuardrailSettings) {
    const kinds = Object.keys(findings)
    if (kinds.length === 0 && unchecked === undefined)
      return { decision: undefined, noted: undefined, refusal: undefined }
    const blocks = mode === 'block' || (unchecked !== undefined && mode === 'redact')
    const decision = blocks ? 'blocked' : mode === 'redact' ? 'redacted' : 'flagged'
    this.#metrics.guarded('secrets', decision)
    return {
      decision,
      noted: { decision, findings, ...(unchecked === undefined ? {} : { unchecked: true }) },
      refusal: blocks
        ? blocked(
            kinds.length === 0 && unchecked !== undefined
              ? unchecked
              : `it holds secrets (${kinds.join(', ')})`,
          )
        : undefined,
    }
  }

  #scannerFor(patterns: readonly string[]): SecretScanner {
    const key = JSON.stringify(patterns)
    if (this.#scanner?.key !== key) this.#scanner = { key, of: new SecretScanner(patterns) }
    return this.#scanner.of
  }

  [Symbol.dispose](): void {
    this.#fetch[Symbol.dispose]()
  }
}

function metadataOf(noted: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.keys(noted).length === 0 ? {} : { guardrails: noted }
}

function refusalOf(
  { decision, reason }: WebhookDecision,
  { webhookFailOpen }: GuardrailSettings,
): GatewayError | undefined {
  switch (decision) {
    case 'allowed':
      return undefined
    case 'blocked':
      return blocked(reason ?? 'the service that checks requests does not allow it')
    case 'unavailable':
      return webhookFailOpen ? undefined : blocked('the service that checks requests does not answer')
  }
}

function blocked(why: string): GatewayError {
  return new GatewayError(400, 'guardrail_blocked', `The request was blocked by a guardrail: ${why}.`)
}
