import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createBuild,
  createToken,
  createWorkspace,
  getWorkspace,
  type Template,
  type Workspace,
  whoAmI,
} from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { startTestServer, type TestServer, until } from '@slipway/testkit'

const lines: Record<string, unknown>[] = []
let server: TestServer
let member: Client
let template: Template
let workspace: Workspace

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    log: createLogger({ level: 'debug', sink: { write: (line) => void lines.push(JSON.parse(line)) } }),
  })
  await server.owner()
  member = await server.user('member')
  template = await server.builtInTemplate()
  workspace = await member.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'mine', template_id: template.id },
  })
  await until('the build', async () => {
    const current = await member.call(getWorkspace, { params: { workspace: workspace.id } })
    return current.latest_build.job.completed_at
  })
})
afterAll(() => server[Symbol.asyncDispose]())

async function holder(body: object, of = member): Promise<Client> {
  const { key } = await of.call(createToken, { params: { user: 'me' }, body })
  return new Client({ url: server.url, token: key })
}

describe('ID-216: what a token is', () => {
  it('says what it may do and when it ends, and nothing of its secret', async () => {
    const body = {
      token_name: 'ci',
      lifetime: 3_600_000_000_000,
      scopes: ['workspace:read', 'template:read'],
      allow_list: [`workspace:${workspace.id}`, 'template:*'],
    }
    const token = await holder(body)
    const secret = token.headers['Coder-Session-Token'] ?? ''
    const who = await token.call(whoAmI)
    expect(who).toEqual({
      key_id: secret.split('-')[0],
      user_id: workspace.owner_id,
      username: 'member',
      login_type: 'token',
      token_name: 'ci',
      scopes: ['template:read', 'workspace:read'],
      allow_list: ['template:*', `workspace:${workspace.id}`],
      expires_at: expect.any(String),
    })
    const left = Date.parse(who.expires_at) - Date.now()
    expect(left).toBeGreaterThan(3_500_000)
    expect(left).toBeLessThan(3_600_001)
    expect(JSON.stringify(who)).not.toContain(secret.split('-')[1])
  })

  it('a session has the scope of everything; nobody else is told anything', async () => {
    expect(await member.call(whoAmI)).toMatchObject({
      login_type: 'password',
      token_name: '',
      scopes: ['coder:all'],
      allow_list: ['*:*'],
    })
    await expect(server.anonymous.call(whoAmI)).rejects.toMatchObject({ status: 401 })
  })
})

describe('ID-216: what a token lacks', () => {
  const refusal = async (client: Client, path: string, body?: object) => {
    const answer = await fetch(`${server.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...client.headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return {
      status: answer.status,
      body: await answer.json(),
      challenge: answer.headers.get('www-authenticate'),
      id: answer.headers.get('x-coder-request-id'),
    }
  }
  const builds = () => `/api/v2/workspaces/${workspace.id}/builds`

  it('is named, in the answer and in the challenge, where its user could do it', async () => {
    const token = await holder({ scopes: ['workspace:read', 'template:read'] })
    const { status, body, challenge } = await refusal(token, builds(), { transition: 'stop' })
    expect([status, body]).toEqual([
      403,
      {
        message: 'You do not have permission to stop this workspace.',
        detail: 'The token lacks the scope workspace:stop.',
      },
    ])
    expect(challenge).toBe(
      `Bearer realm="coder", error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token", scope="workspace:stop", resource_metadata="${server.url}/.well-known/oauth-protected-resource"`,
    )
  })

  it('ID-92: what it may not even read stays as absent as ever; the challenge tells that another token would help', async () => {
    const token = await holder({ scopes: ['template:read'] })
    const hidden = await refusal(token, builds(), { transition: 'start' })
    expect([hidden.status, hidden.body]).toEqual([
      404,
      { message: 'Resource not found or you do not have access to this resource' },
    ])
    expect(hidden.challenge).toContain('error="insufficient_scope"')
    expect(hidden.challenge).toContain('scope="workspace:read"')
  })

  it('is not named where the user may not do it either, nor for what is not there', async () => {
    const token = await holder({ scopes: ['template:read'] })
    const forbidden = await refusal(token, `/api/v2/templates/${template.id}/archive`, {})
    expect(forbidden.challenge).toBeNull()
    const absent = await refusal(token, '/api/v2/workspaces/3f2504e0-4f89-41d3-9a0c-0305e82c3301')
    expect([absent.status, absent.challenge]).toEqual([404, null])
    const others = await holder({ scopes: ['template:read'] }, await server.user('other'))
    const foreign = await refusal(others, builds(), { transition: 'start' })
    expect([foreign.status, foreign.challenge]).toEqual([404, null])
  })

  it('an entry of the allow list is no scope', async () => {
    const token = await holder({ allow_list: [`workspace:${workspace.id}`] })
    const answer = await refusal(token, '/api/v2/users/me/keys/tokens', {})
    expect([403, 404]).toContain(answer.status)
    expect(answer.challenge).toContain('error="insufficient_scope"')
    expect(answer.challenge).not.toContain('scope="')
  })

  it('RB-69: why somebody was refused is in the log of the operator, and not in the answer', async () => {
    const refused = await refusal(member, '/api/v2/deployment/config')
    expect(refused.status).toBe(403)
    expect(JSON.stringify(refused.body)).not.toContain('deployment_config')
    const line = await until('the line', () =>
      lines.find((one) => one.message === 'authorization denied' && one.request_id === refused.id),
    )
    expect(line).toMatchObject({
      level: 'debug',
      subject: 'member',
      action: 'read',
      object_type: 'deployment_config',
    })
  })
})

it('ID-216: a wide token does it', async () => {
  const token = await holder({ scopes: ['coder:workspaces.operate'] })
  await token.call(createBuild, { params: { workspace: workspace.id }, body: { transition: 'stop' } })
})
