import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { Client } from '@slipway/client'
import {
  createFirstUser,
  createToken,
  createWorkspace,
  getTemplateVersion,
  listTemplates,
  login,
  updateWorkspace,
} from '@slipway/contract'
import { endWorkspaces, PASSWORD, startServerProcess, until } from '@slipway/testkit'

interface Load {
  readonly statuses: Map<number, number>
  readonly ended: Promise<unknown>
}

/** Asks without pause until it is stopped; remembers every status that came back. */
function load(url: string, init: RequestInit, signal: AbortSignal): Load {
  const statuses = new Map<number, number>()
  const ask = async () => {
    while (!signal.aborted) {
      const answer = await fetch(url, init)
      await answer.arrayBuffer()
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    }
  }
  return { statuses, ended: Promise.all(Array.from({ length: 4 }, ask)) }
}

it('ID-62: kill -9 of the database under load gives 5xx and never 401, and all recovers without a restart', async () => {
  await using steps = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-fault-'))
  await chmod(folder, 0o711)
  steps.defer(() => rm(folder, { recursive: true, force: true }))
  steps.defer(() => endWorkspaces(folder))
  const server = steps.use(
    await startServerProcess({
      CODER_CONFIG_DIR: folder,
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_ALLOW_WORKSPACE_RENAMES: 'true',
    }),
  )
  const anonymous = new Client({ url: server.url })
  const body = { email: 'owner@example.com', username: 'owner', password: PASSWORD }
  await anonymous.call(createFirstUser, { body })
  const { session_token: session } = await anonymous.call(login, { body })
  const { key } = await new Client({ url: server.url, token: session }).call(createToken, {
    params: { user: 'me' },
    body: {},
  })
  const owner = new Client({ url: server.url, token: key })
  const template = await until('the built-in template', async () => {
    const found = (await owner.call(listTemplates))[0]
    if (found === undefined) return undefined
    const version = await owner.call(getTemplateVersion, {
      params: { templateversion: found.active_version_id },
    })
    return version.job.completed_at === undefined ? undefined : found
  })
  const workspace = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'watched', template_id: template.id },
  })
  const watched: string[] = []
  const watch = new WebSocket(
    `${server.url.replace('http', 'ws')}/api/v2/workspaces/${workspace.id}/watch-ws`,
    { headers: owner.headers },
  )
  steps.defer(() => watch.terminate())
  watch.on('error', () => undefined)
  watch.on('message', (data) => {
    const event = JSON.parse(String(data))
    if (event.type === 'data') watched.push(event.data.name)
  })
  await until('the watch', () => watched.includes('watched'))

  const stop = new AbortController()
  steps.defer(() => stop.abort())
  const headers = { ...owner.headers }
  const reads = load(`${server.url}/api/v2/workspaces`, { headers }, stop.signal)
  const keys = load(`${server.url}/api/v2/users/me`, { headers }, stop.signal)
  await until('some answers', () => (reads.statuses.get(200) ?? 0) > 20)
  const pid = Number(
    (await readFile(path.join(folder, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0],
  )
  process.kill(pid, 'SIGKILL')
  await until('a failure', () => [...reads.statuses.keys()].some((status) => status >= 500))
  const before = reads.statuses.get(200) ?? 0
  await until('answers again', () => (reads.statuses.get(200) ?? 0) > before + 50)
  stop.abort()
  await Promise.all([reads.ended, keys.ended])
  for (const status of [...reads.statuses.keys(), ...keys.statuses.keys()])
    expect(status === 200 || status >= 500, `status ${status}`).toBe(true)

  await until('a change after the recovery', () =>
    owner
      .call(updateWorkspace, { params: { workspace: workspace.id }, body: { name: 'renamed' } })
      .then(() => true)
      .catch(() => false),
  )
  await until('the watch to go on', () => watched.includes('renamed'))
}, 120_000)
