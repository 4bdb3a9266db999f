import { Registry } from 'prom-client'

import { silentLogger } from '@slipway/request-log'
import type { Config, ParseResult } from './config/index.ts'
import { checkCertificates } from './listeners/index.ts'
import { checkMailServer } from './mail/index.ts'
import { migrateDatabase } from './open-context.ts'
import { Outbound } from './outbound/index.ts'
import { checkIssuer } from './sign-in/index.ts'
import { untilAborted } from './until-aborted.ts'

/** For each check; what does not answer by then would keep a server from its work as well. */
const CHECK_MS = 15_000
const CONNECT_MS = 5_000

/** Something that the settings name, and whether it can be used. */
export interface ConfigCheck {
  readonly check: 'options' | 'certificates' | 'database' | 'mail-server' | 'identity-provider'
  readonly status: 'ok' | 'failed' | 'not-configured'
  /** What was found, or why it cannot be used; it never holds a secret. */
  readonly detail: string
}

/** Whether a server could start with these settings and do its work (OP-B4). */
export interface ConfigReport {
  readonly ok: boolean
  readonly warnings: readonly string[]
  readonly checks: readonly ConfigCheck[]
}

/** Looks at something; resolves to what it has found, or undefined when the settings name nothing. */
type Look = (config: Config, signal: AbortSignal) => Promise<string | undefined>

const CHECKS: readonly (readonly [ConfigCheck['check'], Look])[] = [
  [
    'certificates',
    async (config) => {
      if (!config.tlsEnable) return undefined
      await checkCertificates(config)
      return config.tlsCertFile.length === 0
        ? 'the server makes a certificate of its own'
        : `${config.tlsCertFile.length} with their keys`
    },
  ],
  [
    'database',
    async (config) => {
      if (config.postgresUrl === '') return undefined
      const options = { connectTimeoutMs: CONNECT_MS, dryRun: true }
      const pending = await migrateDatabase(config, silentLogger(), options)
      return pending.length === 0 ? 'the schema is up to date' : `${pending.length} migrations pending`
    },
  ],
  [
    'mail-server',
    async (config) => {
      if (config.emailSmarthost === '') return undefined
      await checkMailServer(config)
      return config.emailSmarthost
    },
  ],
  [
    'identity-provider',
    (config, signal) => {
      const outbound = new Outbound(new Registry(), Date.now)
      return checkIssuer(config, { clock: { now: () => new Date() }, log: silentLogger(), outbound }, signal)
    },
  ],
]

/**
 * Tries out settings and what they name, all of it at once. Nothing is started and nothing is changed; the embedded database
 * is not looked at.
 */
export async function checkConfig(parsed: Exclude<ParseResult, { kind: 'print' }>): Promise<ConfigReport> {
  if (parsed.kind === 'refused') {
    const checks = parsed.errors.map((detail) => ({ check: 'options', status: 'failed', detail }) as const)
    return { ok: false, warnings: [], checks }
  }
  const found = await Promise.all(CHECKS.map(([check, look]) => carryOut(check, look, parsed.config)))
  return {
    ok: found.every(({ status }) => status !== 'failed'),
    warnings: parsed.warnings,
    checks: [{ check: 'options', status: 'ok', detail: '' }, ...found],
  }
}

async function carryOut(check: ConfigCheck['check'], look: Look, config: Config): Promise<ConfigCheck> {
  const signal = AbortSignal.timeout(CHECK_MS)
  try {
    const detail = await untilAborted(signal, look(config, signal))
    return { check, status: detail === undefined ? 'not-configured' : 'ok', detail: detail ?? '' }
  } catch (error) {
    const detail = signal.aborted ? `no answer within ${CHECK_MS / 1000} seconds` : reasonOf(error)
    return { check, status: 'failed', detail }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
