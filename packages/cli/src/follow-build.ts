import {
  cancelBuild,
  cancelTemplateVersion,
  getBuild,
  listBuildLogs,
  listTemplateVersionLogs,
  type ProvisionerJobLog,
  type WorkspaceBuild,
} from '@slipway/contract'
import type { Connection } from './connection.ts'
import { CommandError } from './errors.ts'
import { followLogs } from './follow-logs.ts'
import { InterruptedJob } from './interrupted-job.ts'
import { patiently } from './patience.ts'

/** Prints the log of a build of somebody else's until it is over. @throws CommandError when the build did not succeed. */
export async function followBuild(client: Connection, build: WorkspaceBuild): Promise<void> {
  const { job } = await endOfBuild(client, build)
  if (job.status !== 'succeeded')
    throw new CommandError(
      job.error === undefined || job.error === ''
        ? `the build was ${job.status}`
        : `the build has failed: ${job.error}`,
    )
}

/** As {@link followBuild} for a build that this command has asked for: Ctrl+C cancels it (L-12). */
export async function followOwnBuild(client: Connection, build: WorkspaceBuild): Promise<void> {
  using _ = new InterruptedJob('build', () =>
    client.call(cancelBuild, { params: { workspacebuild: build.id } }),
  )
  await followBuild(client, build)
}

/** Prints the log of a build until it is over, however it ends. */
export async function endOfBuild(client: Connection, build: WorkspaceBuild): Promise<WorkspaceBuild> {
  const at = { params: { workspacebuild: build.id } }
  await showJob(client, client.address(listBuildLogs, at))
  return patiently(() => client.call(getBuild, at))
}

/** Prints the log of a template version's import until it is over; Ctrl+C cancels it. */
export async function followImport(client: Connection, version: string): Promise<void> {
  const at = { params: { templateversion: version } }
  using _ = new InterruptedJob('import', () => client.call(cancelTemplateVersion, at))
  await showJob(client, client.address(listTemplateVersionLogs, at))
}

const SAY_WAITING_MS = 1_000

/** Shows how a job gets on, on stderr: its stages with the time they took, and what is said in them. */
async function showJob(client: Connection, address: string): Promise<void> {
  const stages = new Stages()
  const waiting = setTimeout(() => {
    process.stderr.write('Waiting for a provisioner …\n')
  }, SAY_WAITING_MS)
  try {
    await followLogs<ProvisionerJobLog>(client, address, (line) => {
      clearTimeout(waiting)
      stages.enter(line.stage, Date.parse(line.created_at))
      if (line.output !== '') process.stderr.write(`    ${line.output}\n`)
    })
    stages.end()
  } finally {
    clearTimeout(waiting)
  }
}

/** The headings of a job; on a terminal each one that is over says how long it took. */
class Stages {
  #stage = ''
  #since = 0
  #last = 0

  enter(stage: string, time: number): void {
    this.#last = time
    if (stage === this.#stage) return
    this.end()
    process.stderr.write(`==> ${bold(stage)}\n`)
    this.#stage = stage
    this.#since = time
  }

  end(): void {
    const seconds = (this.#last - this.#since) / 1_000
    if (this.#stage === '' || seconds < 0.1 || process.stderr.isTTY !== true) return
    process.stderr.write(`${dim(`    took ${seconds.toFixed(1)} s`)}
`)
  }
}

function bold(text: string): string {
  return styled(text, '1')
}

function dim(text: string): string {
  return styled(text, '2')
}

function styled(text: string, style: string): string {
  return process.stderr.isTTY === true && !process.env.NO_COLOR ? `\u001b[${style}m${text}\u001b[0m` : text
}
