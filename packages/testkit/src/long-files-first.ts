import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest, most of it waiting. A list of yesterday does: it only has an effect on the time. */
const LONG = [
  'faults/kill-chats',
  'faults/half-open',
  'faults/kill-server',
  'faults/shutdown',
  'data-plane/fair-overload',
  'dashboard/dashboard',
  'connection-log/connection-log',
  'database/migrate',
  'chat-settings/model-configs',
  'apps/app-security',
  'conformance/conformance',
  'sign-in/oidc-settings',
  'cli/src/workspaces',
  'rate-limits/rate-limits',
  'cli/src/accounts',
  'oauth2-provider/consent-page',
].map((name) => `${name}.test.ts`)

/**
 * Starts what takes long first, so that no worker is left with it at the end, and the browser tests in between, one after
 * two others: they keep a core busy by themselves, the others mostly wait.
 */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const projects = [...new Set(sorted.map((file) => file.project))]
    return projects.flatMap((project) => arrange(sorted.filter((file) => file.project === project)))
  }
}

function arrange(files: readonly TestSpecification[]): TestSpecification[] {
  const browser = files.filter((file) => file.moduleId.endsWith('.browser.test.ts'))
  const others = files.filter((file) => !browser.includes(file))
  const long = others.filter((file) => LONG.some((name) => file.moduleId.endsWith(name)))
  const queue = [...long, ...others.filter((file) => !long.includes(file))]
  const arranged: TestSpecification[] = []
  while (queue.length > 0 || browser.length > 0) arranged.push(...browser.splice(0, 1), ...queue.splice(0, 2))
  return arranged
}
