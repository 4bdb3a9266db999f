import { setTimeout as delay } from 'node:timers/promises'

import type {
  AgentAppHealthReport,
  AgentLifecycleReport,
  AgentManifest,
  AgentMetadataReport,
  AgentScriptReport,
  AgentStartup,
  AgentStats,
  PatchLogs,
} from '@slipway/contract'
import { backOffMs } from './back-off.ts'

const TIMEOUT_MS = 30_000

/** An answer of the control plane that is no success. */
export class ControlPlaneError extends Error {
  override readonly name = 'ControlPlaneError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Reports of the agent to the control plane, over ordinary HTTP with the agent's token. */
export class ControlPlane {
  readonly url: string
  readonly #token: string

  /** @param url access URL of the control plane. */
  constructor(url: string, token: string) {
    this.url = url.replace(/\/+$/, '')
    this.#token = token
  }

  /** Headers that prove who asks. */
  get headers(): Readonly<Record<string, string>> {
    return { 'Coder-Session-Token': this.#token }
  }

  manifest(): Promise<AgentManifest> {
    return this.#call('GET', 'manifest') as Promise<AgentManifest>
  }

  startup(body: AgentStartup): Promise<unknown> {
    return this.#call('POST', 'startup', body)
  }

  lifecycle(body: AgentLifecycleReport): Promise<unknown> {
    return this.#call('POST', 'lifecycle', body)
  }

  metadata(body: AgentMetadataReport): Promise<unknown> {
    return this.#call('POST', 'metadata', body)
  }

  stats(body: AgentStats): Promise<{ readonly report_interval_seconds: number }> {
    return this.#call('POST', 'stats', body) as Promise<{ report_interval_seconds: number }>
  }

  appHealth(body: AgentAppHealthReport): Promise<unknown> {
    return this.#call('POST', 'app-health', body)
  }

  scriptCompleted(body: AgentScriptReport): Promise<unknown> {
    return this.#call('POST', 'script-completed', body)
  }

  logs(body: PatchLogs): Promise<unknown> {
    return this.#call('PATCH', 'logs', body)
  }

  gitSshKey(): Promise<{ readonly public_key: string; readonly private_key: string }> {
    return this.#call('GET', 'gitsshkey') as Promise<{ public_key: string; private_key: string }>
  }

  async #call(method: string, name: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.url}/api/v2/workspaceagents/me/${name}`, {
      method,
      headers: { ...this.headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await response.text()
    if (!response.ok) throw new ControlPlaneError(response.status, messageOf(text, response.status))
    return text === '' ? undefined : JSON.parse(text)
  }
}

function messageOf(text: string, status: number): string {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'message' in body) return String(body.message)
  } catch {
    // Not ours; the status says enough.
  }
  return `the control plane answered ${status}`
}

/**
 * Repeats `work` until it succeeds, with a pause of {@link backOffMs} between attempts.
 *
 * @throws what `work` threw last, once `signal` is aborted.
 */
export async function untilSuccess<T>(
  work: () => Promise<T>,
  options: {
    readonly signal: AbortSignal
    readonly onFailure: (error: unknown, waitMs: number) => void
  },
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work()
    } catch (error) {
      if (options.signal.aborted) throw error
      const wait = backOffMs(failures)
      options.onFailure(error, wait)
      try {
        await delay(wait, undefined, { signal: options.signal })
      } catch {
        throw error
      }
    }
  }
}
