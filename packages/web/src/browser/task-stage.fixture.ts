import type { Page, Route } from 'playwright-core'

import type { Task, TaskLogsResponse, Workspace } from '@slipway/contract'

/** A request that changed something, for tests to look at. */
interface StageRequest {
  readonly method: string
  readonly path: string
  readonly body: unknown
}

interface Answer {
  readonly status: number
  readonly body?: unknown
}

/**
 * Stands before a real server and answers for tasks itself: every state can be shown at once. Everything else goes through to
 * the server.
 */
export class TaskStage {
  readonly tasks: Task[] = []
  readonly logs = new Map<string, TaskLogsResponse>()
  readonly requests: StageRequest[] = []
  /** Answers that tests give instead of the usual ones, by `METHOD path-ending`; each is used once. */
  readonly answers = new Map<string, Answer>()
  /** Workspaces of the tasks as they are now, by id; the server knows the others. */
  readonly workspaces = new Map<string, () => Workspace>()

  /** Puts the stage before everything that the page asks for. */
  async install(page: Page): Promise<void> {
    await page.route('**/api/v2/tasks**', (route) => this.#answer(route))
    await page.route('**/api/v2/tasks/**', (route) => this.#answer(route))
    await page.route(/\/api\/v2\/workspaces\/[0-9a-f-]{36}$/, (route) => {
      const { pathname } = new URL(route.request().url())
      const workspace = this.workspaces.get(pathname.split('/').at(-1) ?? '')
      return workspace === undefined ? route.fallback() : route.fulfill({ json: workspace() })
    })
  }

  change(id: string, change: Partial<Task>): void {
    const at = this.tasks.findIndex((task) => task.id === id)
    const before = this.tasks[at]
    if (before !== undefined) this.tasks[at] = { ...before, ...change }
  }

  async #answer(route: Route): Promise<void> {
    const request = route.request()
    const method = request.method()
    const path = decodeURIComponent(new URL(request.url()).pathname.replace('/api/v2/tasks', ''))
    const body: unknown = request.postData() === null ? undefined : request.postDataJSON()
    if (method !== 'GET') this.requests.push({ method, path, body })
    const own = [...this.answers].find(([key]) => `${method} ${path}`.endsWith(key))
    if (own !== undefined) this.answers.delete(own[0])
    const { status, body: answer } = own?.[1] ?? this.#usual(method, path)
    await route.fulfill({ status, ...(answer === undefined ? {} : { json: answer }) })
  }

  #usual(method: string, path: string): Answer {
    if (path === '') return { status: 200, body: { tasks: this.tasks, count: this.tasks.length } }
    const [, , wanted, verb = ''] = path.split('/')
    const task = this.tasks.find(({ id, name }) => id === wanted || name === wanted)
    if (task === undefined) return { status: 404, body: { message: 'Resource not found.' } }
    switch (`${method} ${verb}`) {
      case 'GET ':
        return { status: 200, body: task }
      case 'GET logs':
        return { status: 200, body: this.logs.get(task.id) ?? { logs: [] } }
      case 'DELETE ':
        this.tasks.splice(this.tasks.indexOf(task), 1)
        return { status: 202 }
      case 'POST pause':
        this.change(task.id, { status: 'paused', workspace_status: 'stopped' })
        return { status: 202, body: {} }
      case 'POST resume':
        this.change(task.id, { status: 'pending', workspace_status: 'starting' })
        return { status: 202, body: {} }
      default:
        return { status: 204 }
    }
  }
}
