import { AsyncLocalStorage } from 'node:async_hooks'

import { Gauge } from 'prom-client'

import type { HealthcheckReport, HealthSection, HealthSeverity } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { labelled } from '../profile-labels/index.ts'
import type { Checks } from './checks.ts'
import { type Findings, type RunLimits, runChecks } from './health-run.ts'
import { RANK, worst } from './section.ts'

/** OP-100. A section ends sooner, so that one that hangs leaves a report of the others. */
const LIMITS: RunLimits = { run: 30_000, section: 10_000 }
/**
 * The first report is made when provisioners have had the time to come up, and before there is much load: the first
 * requests that the server itself sends have V8 throw away what it has compiled for answering them, and a busy server
 * would be slow for a second.
 */
const FIRST_MS = 5_000
/** What timers can wait. */
const MAX_WAIT_MS = 2 ** 31 - 1

/** A report as it was made. */
export interface MadeReport {
  readonly at: Date
  readonly findings: Findings
}

/** What reports are made with. */
type Parts = Pick<AppContext, 'clock' | 'config' | 'log' | 'metrics'>

/**
 * The health of the deployment as this replica sees it. It is made anew in the background, as often as the operator
 * says (OP-B12), and at once for who does not want an old one; all who wait at the same time share a run, which goes on
 * when they leave (OP-100).
 */
export class HealthReports implements AsyncDisposable {
  readonly #parts: Parts
  readonly #checks: Checks
  readonly #limits: RunLimits
  readonly #severities: Gauge<'section'>
  readonly #closing = new AbortController()
  /** A run is nobody's request, whoever asks for it first. */
  readonly #onItsOwn = AsyncLocalStorage.snapshot()
  #timer: NodeJS.Timeout | undefined
  #latest: MadeReport | undefined
  #running: Promise<MadeReport> | undefined

  constructor(parts: Parts, checks: Checks, limits = LIMITS) {
    this.#parts = parts
    this.#checks = checks
    this.#limits = limits
    this.#severities = new Gauge({
      name: 'slipway_health',
      help: 'Health by section, as this replica has last seen it: 0 is ok, 1 a warning and 2 an error.',
      labelNames: ['section'],
      registers: [parts.metrics],
    })
    const { healthCheckRefresh } = parts.config
    // Without an age at which it is old a report is made for each request.
    if (healthCheckRefresh > 0) this.#schedule(Math.min(healthCheckRefresh, FIRST_MS))
  }

  /**
   * The latest report unless it is too old; else a new one.
   *
   * @throws ApiError 503 when a new one takes longer than 30 s, or the server ends.
   */
  async get({ force }: { readonly force: boolean }): Promise<MadeReport> {
    const latest = this.#latest
    const { clock, config } = this.#parts
    if (!force && latest !== undefined) {
      const age = clock.now().getTime() - latest.at.getTime()
      if (age >= 0 && age < config.healthCheckRefresh) return latest
    }
    return this.#shared()
  }

  #shared(): Promise<MadeReport> {
    this.#running ??= this.#onItsOwn(() => labelled('health', () => this.#make())).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #make(): Promise<MadeReport> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason
    const findings = await runChecks(this.#checks, this.#limits, this.#closing.signal)
    const made = { at: this.#parts.clock.now(), findings }
    this.#tell(this.#latest, made)
    this.#latest = made
    return made
  }

  #tell(before: MadeReport | undefined, { findings }: MadeReport): void {
    for (const [section, { severity, error }] of sectionsOf(findings)) {
      this.#severities.set({ section }, RANK[severity])
      const was = before === undefined ? 'ok' : before.findings[section].severity
      if (was === severity) continue
      const fields = { section, severity, before: was, ...(error === undefined ? {} : { reason: error }) }
      if (severity === 'ok') this.#parts.log.info('health: a section is well again', fields)
      else this.#parts.log.warn('health: a section is not well', fields)
    }
  }

  #schedule(afterMs: number): void {
    this.#timer = setTimeout(() => void this.#refresh(), Math.min(afterMs, MAX_WAIT_MS)).unref()
  }

  async #refresh(): Promise<void> {
    try {
      await this.#shared()
    } catch (error) {
      if (this.#closing.signal.aborted) return
      this.#parts.log.warn('the health report could not be made', {
        error: error instanceof ApiError ? `${error.message} ${error.detail ?? ''}` : describeError(error),
      })
    }
    if (!this.#closing.signal.aborted) this.#schedule(this.#parts.config.healthCheckRefresh)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new ApiError(503, 'The server is stopping. Try again in a moment.'))
    clearTimeout(this.#timer)
    await this.#running?.catch(() => undefined)
  }
}

/** A report as clients read it (OP-101, OP-102). */
export function presentReport(
  { at, findings }: MadeReport,
  as: {
    readonly version: string
    readonly now: Date
    readonly dismissed: readonly HealthSection[]
  },
): HealthcheckReport {
  const dismissed = (section: HealthSection): { readonly dismissed: boolean } => ({
    dismissed: as.dismissed.includes(section),
  })
  const severities = sectionsOf(findings).map(([, { severity }]) => severity)
  return {
    access_url: { ...findings.access_url, ...dismissed('AccessURL') },
    ai_gateway: { ...findings.ai_gateway, ...dismissed('AIGateway') },
    database: { ...findings.database, ...dismissed('Database') },
    derp: { ...findings.derp, ...dismissed('DERP') },
    provisioner_daemons: { ...findings.provisioner_daemons, ...dismissed('ProvisionerDaemons') },
    websocket: { ...findings.websocket, ...dismissed('Websocket') },
    workspace_proxy: { ...findings.workspace_proxy, ...dismissed('WorkspaceProxy') },
    age_seconds: Math.max(0, Math.floor((as.now.getTime() - at.getTime()) / 1_000)),
    coder_version: as.version,
    healthy: !severities.includes('error') && findings.access_url.severity === 'ok',
    severity: worst(severities),
    time: at.toISOString(),
  }
}

/** The lines that `format=text` asks for (OP-100). */
export function reportAsText(report: HealthcheckReport): string {
  return [
    `time: ${report.time}`,
    `healthy: ${report.healthy}`,
    `derp: ${report.derp.healthy}`,
    `access_url: ${report.access_url.healthy}`,
    `websocket: ${report.websocket.healthy}`,
    `database: ${report.database.healthy}`,
    '',
  ].join('\n')
}

function sectionsOf(
  findings: Findings,
): [keyof Findings, { readonly severity: HealthSeverity; readonly error?: string | undefined }][] {
  const { access_url, ai_gateway, database, derp, provisioner_daemons, websocket, workspace_proxy } = findings
  return [
    ['access_url', access_url],
    ['ai_gateway', ai_gateway],
    ['database', database],
    ['derp', derp],
    ['provisioner_daemons', provisioner_daemons],
    ['websocket', websocket],
    ['workspace_proxy', workspace_proxy],
  ]
}
