import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import { getBuild, listBuildLogs, type ProvisionerJobLog, type WorkspaceBuild } from '@slipway/contract'
import { CommandError } from './errors.ts'

/** Prints the log of a build until it is over. @throws CommandError when the build did not succeed. */
export async function followBuild(client: Client, build: WorkspaceBuild): Promise<void> {
  await followLogs(client, client.address(listBuildLogs, { params: { workspacebuild: build.id } }))
  const ended = await client.call(getBuild, { params: { workspacebuild: build.id } })
  if (ended.job.status !== 'succeeded')
    throw new CommandError(
      ended.job.error === undefined
        ? `the build was ${ended.job.status}`
        : `the build has failed: ${ended.job.error}`,
    )
}

/** Prints the lines of a job's log as they come; stages are headings. Comes back after a lost connection. */
export async function followLogs(client: Client, address: string): Promise<void> {
  let after = 0
  let stage = ''
  for (let attempt = 0; ; attempt += 1) {
    const url = new URL(address)
    url.searchParams.set('follow', 'true')
    url.searchParams.set('after', String(after))
    const code = await stream(client, url, (line) => {
      after = line.id
      attempt = 0
      if (line.stage !== stage) process.stderr.write(`==> ${line.stage}\n`)
      stage = line.stage
      if (line.output !== '') process.stderr.write(`    ${line.output}\n`)
    })
    if (code === 1000) return
    if (attempt > 20) throw new CommandError('the log cannot be read: the server does not answer')
    await new Promise((resolve) => setTimeout(resolve, Math.min(250 * 2 ** attempt, 3_000)))
  }
}

function stream(client: Client, url: URL, onLine: (line: ProvisionerJobLog) => void): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url.href.replace(/^http/, 'ws'), { headers: client.headers })
    socket.on('message', (data) => onLine(JSON.parse(String(data))))
    socket.on('error', () => undefined)
    socket.on('close', (code) => resolve(code))
  })
}
