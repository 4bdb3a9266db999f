import { setTimeout as delay } from 'node:timers/promises'

import { reportTaskTool, type Tool, ToolFault } from '@slipway/mcp-tools'
import { AgentSocket } from './agent-socket.ts'
import { watchScreen } from './screen-watcher.ts'
import { type Report, TaskReports } from './task-reports.ts'

const FAREWELL_MS = 5_000

/** How the task of an app is to be reported. */
export interface TaskReporting {
  /** Undefined where no agent is. */
  readonly socketPath: string | undefined
  /** Undefined when there is no app to report of. */
  readonly appSlug: string | undefined
  /** Address of the AgentAPI that shows the screen of the assistant; undefined without one. */
  readonly screenUrl: string | undefined
  /** Hears what goes wrong on the way. */
  readonly onFailure: (reason: string) => void
}

/** The tool for reports, and what sends them on until it is disposed; then what waits is still sent, as far as that is soon done. */
export interface TaskReporter extends AsyncDisposable {
  readonly tool: Tool
}

/**
 * Lets an assistant report its task to the agent of the workspace (OA-96, OA-98).
 *
 * @returns undefined where there is no app to report of or no agent that answers; says why, when it was asked for.
 */
export async function reportTasks(how: TaskReporting): Promise<TaskReporter | undefined> {
  const { socketPath, appSlug, screenUrl, onFailure } = how
  if (appSlug === undefined) return undefined
  if (socketPath === undefined) {
    onFailure('Tasks are not reported: name the socket of the agent with --socket-path.')
    return undefined
  }
  const socket = new AgentSocket(socketPath)
  if (!(await socket.isReachable())) {
    onFailure(`Tasks are not reported: no agent answers at ${socketPath}.`)
    return undefined
  }
  const ended = new AbortController()
  const reports = new TaskReports(screenUrl !== undefined)
  const sent = send(reports, (report) => socket.report(appSlug, report), onFailure)
  if (screenUrl !== undefined)
    void watchScreen(screenUrl, reports, ended.signal, (reason) =>
      onFailure(`The screen of the assistant cannot be watched: ${reason}.`),
    )
  return {
    tool: reportTaskTool((task) => {
      if (!reports.add({ ...task, isSelfReported: true }))
        throw new ToolFault('too many reports wait to be sent: report again later')
    }),
    [Symbol.asyncDispose]: async () => {
      ended.abort()
      reports.close()
      await Promise.race([sent, delay(FAREWELL_MS, undefined, { ref: false })])
    },
  }
}

/** Sends reports one after another; one that is refused is lost, and said so. */
async function send(
  reports: TaskReports,
  one: (report: Report) => Promise<void>,
  onFailure: (reason: string) => void,
): Promise<void> {
  for (;;) {
    const report = await reports.next()
    if (report === undefined) return
    await one(report).catch((error: unknown) =>
      onFailure(`A report was not taken: ${error instanceof Error ? error.message : String(error)}`),
    )
  }
}
