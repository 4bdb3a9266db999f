import { describeError } from '@slipway/request-log'
import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import type { ExternalAuth } from '../../external-auth/index.ts'
import { labelled } from '../../profile-labels/index.ts'
import { claimStale, type DiffStatusRow, type StaleRow, storeDiffStatus } from '../store/diff-statuses.ts'
import { GitHostError, type PullRequest } from './host.ts'
import { hostOf } from './token.ts'

const EVERY_MS = 10_000
const AT_MOST = 50
const CLAIM_MS = 5 * 60_000
/** How long what was found counts as fresh (CH-1504). */
const FRESH_MS = 120_000
const NO_TOKEN_MS = 10 * 60_000
/** A branch was pushed and its pull request is most likely being made. */
const SOON_MS = 15_000
const SOON_FOR_MS = 2 * 60_000

const system = systemActor('chatd', 'branches of chats are looked at again and again')

/** Keeps what is known of the branches of chats up to date (CH-1504), on every replica; each row is one's at a time. */
export class DiffStatusRefresh implements AsyncDisposable {
  readonly #context: AppContext
  readonly #external: ExternalAuth
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> | undefined
  #closed = false

  constructor(context: AppContext, external: ExternalAuth) {
    this.#context = context
    this.#external = external
    this.#timer = setInterval(() => void this.tick(), EVERY_MS).unref()
  }

  /** Looks once; a look that is still under way is not doubled. */
  tick(): Promise<void> {
    this.#running ??= labelled('chat-diff-status', () => this.#look()).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #look(): Promise<void> {
    const { database, clock, log } = this.#context
    try {
      const now = clock.now()
      const rows = await claimStale(system, database.db, { now, until: after(now, CLAIM_MS), limit: AT_MOST })
      for (const row of rows) {
        if (this.#closed) return
        await this.#refresh(row)
      }
    } catch (error) {
      log.warn('branches of chats could not be looked for', { error: describeError(error) })
    }
  }

  /** One that fails must not keep the others from being looked at. */
  async #refresh(row: StaleRow): Promise<void> {
    const { database, clock, log } = this.#context
    const now = clock.now()
    try {
      const { host } = await hostOf(this.#context, this.#external, row.owner_id, row.git_remote_origin)
      if (host === undefined) {
        await storeDiffStatus(system, database.db, row, { stale_at: after(now, NO_TOKEN_MS) })
        return
      }
      const found = await host.findPullRequest(row.git_branch)
      await storeDiffStatus(system, database.db, row, {
        refreshed_at: now,
        ...(found === undefined
          ? {
              url: host.branchUrl(row.git_branch).slice(0, 4_096),
              stale_at: after(now, untilNextLook(row, now)),
            }
          : { ...columnsOf(found), stale_at: after(now, FRESH_MS) }),
      })
    } catch (error) {
      if (!(error instanceof GitHostError))
        log.warn('a branch of a chat could not be looked at', {
          chat: row.chat_id,
          error: describeError(error),
        })
      await storeDiffStatus(system, database.db, row, { stale_at: after(now, FRESH_MS) })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#running
  }
}

function untilNextLook(row: DiffStatusRow, now: Date): number {
  return now.getTime() - row.updated_at.getTime() < SOON_FOR_MS ? SOON_MS : FRESH_MS
}

function columnsOf(found: PullRequest): Parameters<typeof storeDiffStatus>[3] {
  return {
    url: found.url,
    pull_request_state: found.state,
    pull_request_title: found.title,
    pull_request_draft: found.draft,
    changes_requested: found.changesRequested,
    additions: found.additions,
    deletions: found.deletions,
    changed_files: found.changedFiles,
    author_login: found.authorLogin?.slice(0, 256) ?? null,
    author_avatar_url: found.authorAvatarUrl ?? null,
    base_branch: found.baseBranch,
    head_branch: found.headBranch,
    pr_number: found.number > 0 ? found.number : null,
    commits: found.commits ?? null,
    approved: found.approved ?? null,
    reviewer_count: found.reviewerCount ?? null,
  }
}

function after(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms)
}
