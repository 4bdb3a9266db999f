import type { AgentAppHealthReport, ManifestApp } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import type { ControlPlane } from './control-plane.ts'

/** Asks apps whether they are well, and reports every change (AC-120). */
export class AppHealth implements Disposable {
  readonly #timers: NodeJS.Timeout[]
  readonly #controlPlane: ControlPlane
  readonly #log: Logger

  constructor(options: {
    readonly apps: readonly ManifestApp[]
    readonly controlPlane: ControlPlane
    readonly log: Logger
  }) {
    this.#controlPlane = options.controlPlane
    this.#log = options.log
    this.#timers = options.apps
      .filter(
        ({ healthcheck }) => healthcheck.url !== '' && healthcheck.interval > 0 && healthcheck.threshold > 0,
      )
      .map((app) => this.#watch(app))
  }

  #watch(app: ManifestApp): NodeJS.Timeout {
    let failures = 0
    let known = app.health
    return setInterval(async () => {
      const well = await isWell(app.healthcheck.url, app.healthcheck.interval * 1_000 - 50)
      failures = well ? 0 : failures + 1
      const health: AgentAppHealthReport['updates'][number]['health'] = well
        ? 'healthy'
        : failures > app.healthcheck.threshold
          ? 'unhealthy'
          : known
      if (health === known) return
      try {
        await this.#controlPlane.appHealth({ updates: [{ id: app.id, health }] })
        known = health
      } catch (error) {
        this.#log.debug('the health of an app could not be sent', { error: describeError(error) })
      }
    }, app.healthcheck.interval * 1_000).unref()
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer)
  }
}

async function isWell(url: string, timeoutMs: number): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(Math.max(timeoutMs, 100)) })
    await response.body?.cancel()
    return response.status < 500
  } catch {
    return false
  }
}
