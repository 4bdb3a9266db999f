import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  checkForUpdate,
  createFirstUser,
  createToken,
  createWorkspace,
  getBuildInfo,
  getHealth,
  getWorkspace,
  login,
} from '@slipway/contract'
import { endWorkspaces, importTemplate, PASSWORD, startServerProcess, until } from '@slipway/testkit'

/** Loaded before the server: no connection leaves the machine, and each attempt is noted, as is each name asked for. */
const GUARD = (notes: string): string => `
import { appendFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import dgram from 'node:dgram'
import dns from 'node:dns'
import net from 'node:net'
const isHere = (host) => host === undefined || /^(localhost|127\\.[\\d.]+|::1|::ffff:127\\.[\\d.]+|0\\.0\\.0\\.0|::)$/.test(host)
const note = (what) => appendFileSync(${JSON.stringify(notes)}, what + '\\n')
const unreachable = () => Object.assign(new Error('the network is away'), { code: 'ENETUNREACH' })
const { connect } = net.Socket.prototype
net.Socket.prototype.connect = function (...args) {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args
  const target = typeof first === 'object' ? first : { host: typeof second === 'string' ? second : undefined }
  if (target?.path === undefined && typeof first !== 'string' && net.isIP(target?.host ?? '') !== 0 && !isHere(target.host)) {
    note(target.host)
    // Nobody listens there.
    Object.assign(target, { host: '127.0.0.1', port: 1 })
  }
  return connect.apply(this, args)
}
const { lookup } = dns
dns.lookup = (host, ...rest) => {
  if (isHere(host) || net.isIP(host) !== 0) return lookup(host, ...rest)
  note(host)
  process.nextTick(rest.at(-1), unreachable())
}
const { lookup: later } = dns.promises
dns.promises.lookup = async (host, ...rest) => {
  if (isHere(host) || net.isIP(host) !== 0) return later(host, ...rest)
  note(host)
  throw unreachable()
}
for (const method of ['send', 'connect']) {
  dgram.Socket.prototype[method] = () => {
    note('udp')
    throw unreachable()
  }
}
syncBuiltinESMExports()
`

const TEMPLATE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({ workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }) })
`

it('OP-B1: without a way out of the machine the server starts, takes users and templates and builds, and asks for nothing that is not configured', async () => {
  await using steps = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-fault-'))
  await chmod(folder, 0o711)
  steps.defer(() => rm(folder, { recursive: true, force: true }))
  steps.defer(() => endWorkspaces(folder))
  const [guard, notes] = [path.join(folder, 'guard.mjs'), path.join(folder, 'notes')]
  await writeFile(guard, GUARD(notes))
  const noted = async () => {
    const text = await readFile(notes, 'utf8').catch(() => '')
    return new Set(text.split('\n').filter((line) => line !== ''))
  }
  const server = steps.use(
    await startServerProcess({
      NODE_OPTIONS: `--import=${guard}`,
      CODER_CONFIG_DIR: folder,
      // That the guard sees what goes out shows in what does by configuration.
      CODER_OIDC_ISSUER_URL: 'https://idp.configured.test',
      CODER_OIDC_CLIENT_ID: 'slipway',
      CODER_OIDC_CLIENT_SECRET: 'secret',
    }),
  )
  const anonymous = new Client({ url: server.url })
  const body = { email: 'owner@example.com', username: 'owner', password: PASSWORD }
  await anonymous.call(createFirstUser, { body })
  const { session_token: session } = await anonymous.call(login, { body })
  const { key: token } = await new Client({ url: server.url, token: session }).call(createToken, {
    params: { user: 'me' },
    body: {},
  })
  const owner = new Client({ url: server.url, token })
  const template = await importTemplate(owner, 'apart', { 'template.ts': TEMPLATE })
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'apart', template_id: template.id },
  })
  await until(
    'the agent',
    async () => {
      const { latest_build } = await owner.call(getWorkspace, { params: { workspace: id } })
      return latest_build.resources[0]?.agents?.[0]?.status === 'connected'
    },
    60_000,
  )
  const { version } = await anonymous.call(getBuildInfo)
  expect(await anonymous.call(checkForUpdate)).toEqual({ current: true, version, url: '' })
  const health = await owner.call(getHealth, { query: { force: true } })
  expect(health.database).toMatchObject({ healthy: true })
  await until('the identity provider to be asked for', async () => (await noted()).size > 0)
  expect(await noted()).toEqual(new Set(['idp.configured.test']))
}, 180_000)
