import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { parseConfig } from '../config/index.ts'
import type { Checks } from './checks.ts'
import { HealthReports } from './health-reports.ts'
import { aiGatewaySection } from './sections/ai-gateway.ts'
import { databaseSection } from './sections/database.ts'
import { derpSection } from './sections/derp.ts'
import { provisionerDaemonsSection } from './sections/provisioner-daemons.ts'
import { WebsocketSection } from './sections/websocket.ts'
import { workspaceProxySection } from './sections/workspace-proxy.ts'

const never = (): Promise<never> => new Promise(() => undefined)
const gateway: Parameters<typeof aiGatewaySection>[0] = () => ({
  enabled: true,
  providers: [],
  records: {
    databaseAway: false,
    waitingCharacters: 0,
    waitingBytes: 0,
    lost: 0,
    lastLostAt: undefined,
    failOpen: false,
  },
  setAside: { count: 0, latest: [] },
})
const websocket = new WebsocketSection(() => '', new Uint8Array(32))
const accessUrl = {
  access_url: '',
  reachable: true,
  status_code: 200,
  healthz_response: 'OK',
  severity: 'ok' as const,
  healthy: true,
  warnings: [],
}

function checks(other: Partial<Checks> = {}): Checks {
  return {
    access_url: { name: 'AccessURL', look: async () => accessUrl, failed: () => accessUrl },
    ai_gateway: aiGatewaySection(gateway, () => new Date()),
    database: databaseSection(async () => undefined, 1_000),
    derp: derpSection,
    provisioner_daemons: provisionerDaemonsSection(async () => [], 'v2.36.0'),
    websocket,
    workspace_proxy: workspaceProxySection,
    ...other,
  }
}

function reports(given: Checks, limits = { run: 30_000, section: 10_000 }): HealthReports {
  const parsed = parseConfig([], {})
  if (parsed.kind !== 'start') throw new Error('bad configuration')
  const parts = {
    clock: { now: () => new Date() },
    config: parsed.config,
    log: silentLogger(),
    metrics: new Registry(),
  }
  return new HealthReports(parts, given, limits)
}

describe('OP-100: a run', () => {
  it('is shared by all who wait for it', async () => {
    let looks = 0
    const gate = Promise.withResolvers<void>()
    const ping = async (): Promise<void> => {
      looks += 1
      await gate.promise
    }
    await using shared = reports(checks({ database: databaseSection(ping, 1_000) }))
    const both = Promise.all([shared.get({ force: false }), shared.get({ force: true })])
    gate.resolve()
    const [one, other] = await both
    expect(one).toBe(other)
    expect(looks).toBe(5)
  })

  it('is given up after its time, and says what is done and what is not', async () => {
    await using slow = reports(checks({ derp: { ...derpSection, look: never } }), {
      run: 50,
      section: 10_000,
    })
    await expect(slow.get({ force: true })).rejects.toMatchObject({
      status: 503,
      message: 'Healthcheck timed out.',
      detail: expect.stringMatching(
        /^Completed: AccessURL \(\d+ms\).*\. Still running: DERP \(elapsed: \d+ms\)$/,
      ),
    })
  })

  it('ends with the server', async () => {
    const ending = reports(checks({ derp: { ...derpSection, look: never } }))
    const refused = expect(ending.get({ force: true })).rejects.toMatchObject({ status: 503 })
    await ending[Symbol.asyncDispose]()
    await refused
  })
})

describe('OP-101: a section', () => {
  it('that throws is in error, and hurts no other', async () => {
    const look = (): Promise<never> => Promise.reject(new Error('it broke'))
    await using broken = reports(checks({ derp: { ...derpSection, look } }))
    const { findings } = await broken.get({ force: true })
    expect(findings.derp).toMatchObject({ severity: 'error', healthy: false, error: 'EUNKNOWN: it broke' })
    expect(findings.database.severity).toBe('ok')
  })

  it('that hangs is in error when its time is over', async () => {
    await using hanging = reports(checks({ derp: { ...derpSection, look: never } }), {
      run: 30_000,
      section: 50,
    })
    const { findings } = await hanging.get({ force: true })
    expect(findings.derp.error).toBe('EUNKNOWN: no answer within 0.05 seconds')
  })
})

it('OP-101: a database that fails is told with its code', async () => {
  const found = await databaseSection(() => Promise.reject(new Error('gone')), 15).look(
    new AbortController().signal,
  )
  expect(found).toMatchObject({
    severity: 'error',
    reachable: false,
    error: expect.stringMatching(/^EDB01: /),
  })
})

it('PR-23: daemons that cannot be read are an error', async () => {
  const section = provisionerDaemonsSection(() => Promise.reject(new Error('no')), 'v2.36.0')
  expect(await section.look(new AbortController().signal)).toMatchObject({
    severity: 'error',
    error: 'error fetching provisioner daemons: no',
  })
})

describe('the AI gateway', () => {
  const provider = {
    name: 'main',
    displayName: 'Main',
    status: 'enabled' as const,
    statusDetail: '',
    keys: 1,
    keysResting: 0,
    exhaustion: undefined,
    circuits: [],
  }
  const look = async (change: Partial<ReturnType<typeof gateway>>) => {
    const found = await aiGatewaySection(
      () => ({ ...gateway(), providers: [provider], ...change }),
      () => new Date(),
    ).look(new AbortController().signal)
    return [found.severity, found.error?.split(':')[0], ...found.warnings.map(({ code }) => code)]
  }

  it('tells what is wrong with providers', async () => {
    const broken = { ...provider, status: 'error' as const, statusDetail: 'It has no key.' }
    const limited = { ...provider, exhaustion: { kind: 'unauthorized' as const } }
    const failing = { ...provider, circuits: [{ route: '/r', model: 'm', state: 'open' as const }] }
    expect(await look({})).toEqual(['ok', undefined])
    expect(await look({ enabled: false })).toEqual(['ok', undefined, 'EAIG01'])
    expect(await look({ providers: [] })).toEqual(['ok', undefined, 'EAIG02'])
    expect(await look({ providers: [provider, broken] })).toEqual(['warning', undefined, 'EAIG03'])
    expect(await look({ providers: [broken] })).toEqual(['error', 'EAIG03'])
    expect(await look({ providers: [provider, limited] })).toEqual(['warning', undefined, 'EAIG04'])
    expect(await look({ providers: [failing] })).toEqual(['warning', undefined, 'EAIG05'])
  })

  it('AG-B23: tells what the export cannot get rid of', async () => {
    const latest = [{ interceptionId: 'i', at: new Date(0), refusal: 'it answered 422' }]
    expect(await look({ setAside: { count: 3, latest } })).toEqual(['warning', undefined, 'EAIG09'])
  })

  it('tells what becomes of records', async () => {
    const { records } = gateway()
    const away = { ...records, databaseAway: true, waitingCharacters: 10 }
    expect(await look({ records: away })).toEqual(['error', 'EAIG08', 'EAIG06'])
    expect(await look({ records: { ...away, failOpen: true } })).toEqual([
      'warning',
      undefined,
      'EAIG08',
      'EAIG06',
    ])
    expect(await look({ records: { ...records, lost: 2, lastLostAt: new Date() } })).toEqual([
      'warning',
      undefined,
      'EAIG07',
    ])
    expect(await look({ records: { ...records, lost: 2, lastLostAt: new Date(0) } })).toEqual([
      'ok',
      undefined,
    ])
  })
})
