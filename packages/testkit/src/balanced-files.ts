import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What a file does with its time: it waits for time to pass, drives a browser, or computes. */
type Kind = 'waiting' | 'browser' | 'other'

/**
 * Files that mostly wait, with the seconds that they take. A list of yesterday does, here and below: it only has an effect
 * on the time of a run.
 */
const WAITING = {
  'faults/kill-chats': 82,
  'faults/gateway-without-database': 55,
  'data-plane/fair-overload': 44,
  'connection-log/connection-log': 37,
  'faults/kill-server': 35,
  'mcp-servers/conformance/conformance': 33,
  'apps/app-security': 33,
  'faults/half-open': 31,
  'chat-generation/outage': 27,
  'mcp-servers/runtime': 20,
  'faults/shutdown': 17,
  'access-lists/open-connections': 15,
}

/** Files that compute for long. */
const LONG = {
  'cli/src/workspaces': 70,
  'dashboard/dashboard': 70,
  'cli/src/accounts': 65,
  'agents/openssh': 38,
  'attacks/idor': 37,
  'cli/src/cli': 36,
  'cli/src/ai-gateway': 33,
  'cli/src/organizations': 32,
  'mcp-server/tools': 31,
  'cli/src/chat': 29,
  'chat-streams/relayed-parts': 28,
  'chat-settings/model-configs': 28,
  'sign-in/oidc-settings': 27,
  'oauth2-provider/consent-page': 25,
  'workspaces/requests': 25,
}

const BROWSER_SECONDS = 35
const OTHER_SECONDS = 4

/**
 * Spreads files over a run so that it is never without work: of those that wait and of those that drive a browser, which
 * keeps a core busy by itself, one of each is under way as long as there are any, long ones first. Several that wait at
 * the same time would leave the machine idle.
 */
export class BalancedFiles extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const projects = [...new Set(sorted.map((file) => file.project))]
    const workers = Number(this.ctx.config.maxWorkers)
    return projects.flatMap((project) =>
      arrange(
        sorted.filter((file) => file.project === project),
        workers,
      ),
    )
  }
}

/** Goes through the run in thought: whichever worker is free first takes the next file. */
function arrange(files: readonly TestSpecification[], workers: number): TestSpecification[] {
  const queues: Record<Kind, TestSpecification[]> = { waiting: [], browser: [], other: [] }
  for (const file of [...files].sort((a, b) => secondsOf(b) - secondsOf(a))) queues[kindOf(file)].push(file)
  const underWay: { readonly kind: Kind; readonly end: number }[] = []
  const arranged: TestSpecification[] = []
  while (arranged.length < files.length) {
    underWay.sort((a, b) => a.end - b.end)
    const now = underWay.length < workers ? 0 : (underWay.shift()?.end ?? 0)
    const left = (['waiting', 'browser', 'other'] as const).filter((kind) => queues[kind].length > 0)
    const missing = left.find((kind) => kind === 'other' || underWay.every((other) => other.kind !== kind))
    const kind = missing ?? left.at(-1) ?? 'other'
    const file = queues[kind].shift()
    if (file === undefined) break
    underWay.push({ kind, end: now + secondsOf(file) })
    arranged.push(file)
  }
  return arranged
}

function kindOf({ moduleId }: TestSpecification): Kind {
  if (moduleId.endsWith('.browser.test.ts')) return 'browser'
  return listed(moduleId, WAITING) === undefined ? 'other' : 'waiting'
}

function secondsOf({ moduleId }: TestSpecification): number {
  if (moduleId.endsWith('.browser.test.ts')) return BROWSER_SECONDS
  return listed(moduleId, WAITING) ?? listed(moduleId, LONG) ?? OTHER_SECONDS
}

function listed(moduleId: string, files: Readonly<Record<string, number>>): number | undefined {
  return Object.entries(files).find(([name]) => moduleId.endsWith(`${name}.test.ts`))?.[1]
}
