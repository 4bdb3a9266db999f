import { Type } from 'typebox'

import {
  getBuild,
  getTemplateVersion,
  listAgentLogs,
  listBuildLogs,
  listTemplateVersionLogs,
  type ProvisionerJob,
  type ProvisionerJobLog,
} from '@slipway/contract'
import { defineTool, type Tool, type ToolContext, uuid } from '../tool.ts'
import { waitFor } from '../wait.ts'

const PAGE = 1_000
/** Characters of a log that a model gets; the end tells more than the beginning. */
const MAX_LOG_CHARACTERS = 256 * 1024

const Lines = Type.Array(Type.String())

/** Lines of a log within the bound, the youngest kept. */
class BoundedLines {
  #lines: string[] = []
  #characters = 0
  #left = 0

  add(line: string): void {
    this.#lines.push(line)
    this.#characters += line.length
    if (this.#characters <= 2 * MAX_LOG_CHARACTERS) return
    this.#trim()
  }

  #trim(): void {
    let first = 0
    while (this.#characters > MAX_LOG_CHARACTERS && first < this.#lines.length - 1) {
      this.#characters -= this.#lines[first]?.length ?? 0
      first += 1
    }
    this.#left += first
    this.#lines = this.#lines.slice(first)
  }

  read(): string[] {
    this.#trim()
    return this.#left === 0 ? this.#lines : [`… ${this.#left} earlier lines are left out …`, ...this.#lines]
  }
}

/** All pages of a log that begin behind `after`; tells where the last one ended. */
async function readPages<Line extends { readonly id: number }>(
  page: (query: { readonly after: number; readonly limit: number }) => Promise<readonly Line[]>,
  after: number,
  take: (line: Line) => void,
): Promise<number> {
  let last = after
  for (;;) {
    const lines = await page({ after: last, limit: PAGE })
    for (const line of lines) take(line)
    last = lines.at(-1)?.id ?? last
    if (lines.length < PAGE) return last
  }
}

/** The log of a job until that has ended; what it prints meanwhile is told as progress. */
async function followJob(
  { signal, progress }: ToolContext,
  job: () => Promise<ProvisionerJob>,
  page: (query: { readonly after: number; readonly limit: number }) => Promise<readonly ProvisionerJobLog[]>,
): Promise<string[]> {
  const kept = new BoundedLines()
  let after = 0
  await waitFor('the end of the job', signal, async () => {
    // Read before its log: what is complete by then has all its lines.
    const { completed_at } = await job()
    after = await readPages(page, after, (line) => {
      kept.add(line.output)
      if (completed_at === undefined) progress(line.output === '' ? line.stage : line.output)
    })
    return completed_at === undefined ? undefined : true
  })
  return kept.read()
}

const agentLogs = defineTool({
  name: 'coder_get_workspace_agent_logs',
  title: 'Agent logs',
  description: 'Gives what the scripts of a workspace agent have printed so far; it does not wait for more.',
  effect: 'reads',
  input: Type.Object({ workspace_agent_id: uuid('Id of the agent, from coder_get_workspace.') }),
  output: Lines,
  scopes: ['workspace:read'],
  run: async ({ workspace_agent_id }, { api }) => {
    const kept = new BoundedLines()
    await readPages(
      (query) => api.call(listAgentLogs, { params: { workspaceagent: workspace_agent_id }, query }),
      0,
      (line) => kept.add(line.output),
    )
    return kept.read()
  },
})

const buildLogs = defineTool({
  name: 'coder_get_workspace_build_logs',
  title: 'Build logs',
  description:
    'Gives the log of a workspace build when that has ended; waits for it while it runs, so use it to follow a build.',
  effect: 'reads',
  input: Type.Object({ workspace_build_id: uuid('Id of the build.') }),
  output: Lines,
  scopes: ['workspace:read'],
  isLong: true,
  run: ({ workspace_build_id }, context) => {
    const params = { workspacebuild: workspace_build_id }
    return followJob(
      context,
      async () => (await context.api.call(getBuild, { params })).job,
      (query) => context.api.call(listBuildLogs, { params, query }),
    )
  },
})

const versionLogs = defineTool({
  name: 'coder_get_template_version_logs',
  title: 'Template import logs',
  description:
    'Gives the log of the import of a template version when that has ended; waits for it while it runs. The place to look when a version cannot be imported.',
  effect: 'reads',
  input: Type.Object({ template_version_id: uuid('Id of the version.') }),
  output: Lines,
  scopes: ['template:read'],
  isLong: true,
  run: ({ template_version_id }, context) => {
    const params = { templateversion: template_version_id }
    return followJob(
      context,
      async () => (await context.api.call(getTemplateVersion, { params })).job,
      (query) => context.api.call(listTemplateVersionLogs, { params, query }),
    )
  },
})

/** Tools that read logs. */
export const logTools: readonly Tool[] = [agentLogs, buildLogs, versionLogs]
