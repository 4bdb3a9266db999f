import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'

import { createToken, type User, updateAIGatewaySettings } from '@slipway/contract'
import { says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'
import { TraceCollector } from '../trace-collector.fixture.ts'
import { InterceptTrace } from './intercept-trace.ts'

const CHAT = '/v1/chat/completions'
const hello = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`

let steps: AsyncDisposableStack
let collector: TraceCollector
let world: GatewayWorld
let user: User

beforeAll(async () => {
  steps = new AsyncDisposableStack()
  collector = steps.use(await TraceCollector.start())
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-trace-'))
  steps.defer(() => rm(folder, { recursive: true, force: true }))
  const certificate = path.join(folder, 'collector.pem')
  await writeFile(certificate, collector.certificate)
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url)
  vi.stubEnv('OTEL_EXPORTER_OTLP_CERTIFICATE', certificate)
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '50')
  world = steps.use(await GatewayWorld.start({ CODER_TRACE_ENABLE: 'true' }))
  vi.unstubAllEnvs()
  user = await world.account(await world.server.user('asker'))
  await world.provider({ name: 'openai' })
})
afterAll(() => steps.disposeAsync())
afterEach(() => {
  world.upstream.answer = () => undefined
})

const ask = (init: RequestInit = {}, body: unknown = hello) =>
  world.ask({ ownerId: user.id, provider: 'openai' }, CHAT, body, init)

describe('AG-124: the trace of a request', () => {
  it('AG-124: goes on with the client’s, and says what was asked, used and stored', async () => {
    world.upstream.play({ ...says('Hi'), usage: { input: 9, cached: 4, output: 2 } })
    await (await ask({ headers: { traceparent } })).text()
    const { interceptions } = await world.records(user.id)
    const of = (name: string) =>
      until(`the span ${name}`, () => collector.named(name).find(({ traceId }) => traceId === TRACE))
    const whole = await of('Intercept')
    expect(whole).toMatchObject({ parentId: 'b7ad6b7169203331', failed: false, service: 'coderd' })
    expect(whole.attributes).toMatchObject({
      request_path: CHAT,
      interception_id: interceptions[0]?.id,
      user_id: user.id,
      provider: 'openai',
      model: 'gpt-test',
      streaming: false,
      aws_bedrock: false,
      // AG-B22.
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-test',
      'gen_ai.usage.input_tokens': 9,
      'gen_ai.usage.output_tokens': 2,
    })
    const processing = await of('Intercept.ProcessRequest')
    expect(processing.parentId).toBe(whole.spanId)
    expect((await of('Intercept.ProcessRequest.Upstream')).parentId).toBe(processing.spanId)
    expect((await of('Intercept.CreateInterceptor')).parentId).toBe(whole.spanId)
    for (const name of ['Interception', 'PromptUsage', 'TokenUsage', 'InterceptionEnded'])
      expect((await of(`Intercept.Record${name}`)).parentId).toBe(whole.spanId)
    // What was said is nobody else's.
    expect(JSON.stringify(collector.spans)).not.toContain('Say hi')
  })

  it('AG-124: of one that fails says how', async () => {
    world.upstream.play({ status: 503 })
    await (await ask()).text()
    const { interceptions } = await world.records(user.id)
    const id = interceptions.at(-1)?.id
    const span = await until('its span', () =>
      collector.named('Intercept').find(({ attributes }) => attributes.interception_id === id),
    )
    expect([span.failed, span.attributes['error.type']]).toEqual([true, 'overloaded'])
  })

  it('AG-124: names each tool that the gateway has called, with the beginning of what it got', async () => {
    const provider = world.providers.find('openai')
    if (provider === undefined) throw new Error('there is no provider')
    for (const [privacy, shown] of [
      ['full', 'x'.repeat(100)],
      ['none', undefined],
    ] as const) {
      const route = `/tools/${privacy}`
      const trace = InterceptTrace.begin(world.gateway.parts.tracing, {
        provider,
        route,
        initiatorId: user.id,
        headers: {},
      })
      const call = {
        tool: `echo-${privacy}`,
        responseId: 'r',
        callId: 'c',
        itemId: '',
        input: 'x'.repeat(200),
      }
      trace?.calling({ ...call, serverName: 'git-hub', serverUrl: 'https://mcp.example' }, privacy)('no')
      trace?.end()
      const span = await until('the span', () =>
        collector
          .named('Intercept.ProcessRequest.ToolCall')
          .find(({ attributes }) => attributes.mcp_tool_name === call.tool),
      )
      expect(span).toMatchObject({
        failed: true,
        attributes: { mcp_server_name: 'git-hub', mcp_server_url: 'https://mcp.example' },
      })
      expect(span.attributes.mcp_input).toBe(shown)
    }
  })

  it('AG-124, ID-102: what is relayed only has one too, and none tells a query, where tokens may be', async () => {
    const client = await world.server.user('relayed')
    const { key } = await client.call(createToken, { params: { user: 'me' }, body: {} })
    await fetch(`${world.server.url}/api/v2/ai-gateway/openai/v1/models/gpt-test?x=hunter2`, {
      headers: { authorization: `Bearer ${key}` },
    })
    const span = await until('its span', () => collector.named('Passthrough')[0])
    expect(span.attributes).toMatchObject({
      passthrough_method: 'GET',
      passthrough_url: '/v1/models/gpt-test',
      passthrough_upstream_url: `${world.upstream.url}/v1/models/gpt-test`,
    })
    expect(JSON.stringify(collector.spans)).not.toContain('hunter2')
  })

  it('AG-B22: our own traceparent reaches the provider only where that is switched on', async () => {
    world.upstream.answer = () => says('Hi')
    const sent = async (headers: Record<string, string> = {}) => {
      const from = world.upstream.requests.length
      await (await ask({ headers })).text()
      return world.upstream.requests[from]?.headers.traceparent
    }
    expect(await sent()).toBeUndefined()
    // AG-15: the client's own passes as it came.
    expect(await sent({ traceparent })).toBe(traceparent)
    await world.owner.call(updateAIGatewaySettings, { body: { trace_upstream: true } })
    await world.gateway.parts.governance.refresh()
    expect(await sent()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    const ours = await sent({ traceparent })
    expect(ours).toMatch(new RegExp(`^00-${TRACE}-`))
    expect(ours).not.toBe(traceparent)
  })
})

it('OP-95: a collector that is away harms nothing', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:9')
  await using other = await GatewayWorld.start({ CODER_TRACE_ENABLE: 'true' })
  vi.unstubAllEnvs()
  await other.provider({ name: 'openai' })
  other.upstream.play(says('Hi'))
  const { id } = await other.account(other.owner)
  const answer = await other.ask({ ownerId: id, provider: 'openai' }, CHAT, hello)
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('Hi')])
})

it('OP-95: without --trace nothing of it is loaded', async () => {
  await using off = await GatewayWorld.start()
  expect(off.gateway.parts.tracing).toBeUndefined()
})
