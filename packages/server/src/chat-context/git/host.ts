import type { AppContext } from '../../context.ts'
import type { Provider } from '../../external-auth/index.ts'
import { OutboundError } from '../../outbound/index.ts'
import type { Remote } from './remote.ts'

/** A pull request, or what a host calls so. */
export interface PullRequest {
  readonly number: number
  readonly url: string
  readonly state: 'open' | 'closed' | 'merged'
  readonly title: string
  readonly draft: boolean
  readonly additions: number
  readonly deletions: number
  readonly changedFiles: number
  readonly commits: number | undefined
  readonly authorLogin: string | undefined
  readonly authorAvatarUrl: string | undefined
  readonly baseBranch: string
  readonly headBranch: string
  readonly changesRequested: boolean
  readonly approved: boolean | undefined
  readonly reviewerCount: number | undefined
}

/** A Git host that could not be asked, or whose answer says nothing. */
export class GitHostError extends Error {
  override readonly name = 'GitHostError'
}

/** Longest diff that is taken, in bytes. */
const MAX_DIFF = 4 * 1024 * 1024
const MAX_TEXT = 1_024

type Json = Readonly<Record<string, unknown>>

/** The parts of a Git host's API that tell of a branch, with the token of one user. */
export class GitHost {
  readonly #outbound: AppContext['outbound']
  readonly #provider: Provider
  readonly #token: string
  readonly #remote: Remote
  readonly #base: string

  private constructor(
    outbound: AppContext['outbound'],
    provider: Provider,
    token: string,
    remote: Remote,
    base: string,
  ) {
    this.#outbound = outbound
    this.#provider = provider
    this.#token = token
    this.#remote = remote
    this.#base = base
  }

  /** Undefined for hosts whose API is not known. */
  static of(
    { outbound }: Pick<AppContext, 'outbound'>,
    provider: Provider,
    token: string,
    remote: Remote,
  ): GitHost | undefined {
    const base = apiBaseOf(provider)
    return base === undefined ? undefined : new GitHost(outbound, provider, token, remote, base)
  }

  /** Page of a branch. */
  branchUrl(branch: string): string {
    const path = branch.split('/').map(encodeURIComponent).join('/')
    return `${this.#remote.url}/${this.#provider.type === 'gitlab' ? '-/tree' : 'tree'}/${path}`
  }

  /** The newest pull request of a branch; undefined without one. @throws GitHostError. */
  async findPullRequest(branch: string): Promise<PullRequest | undefined> {
    return this.#provider.type === 'gitlab' ? this.#mergeRequest(branch) : this.#pullRequest(branch)
  }

  /** What a pull request, or a branch, changes. Undefined where the host does not know it. @throws GitHostError. */
  async diff(branch: string, number: number | null): Promise<string | undefined> {
    if (this.#provider.type === 'gitlab') return this.#gitlabDiff(branch, number)
    const accept = 'application/vnd.github.diff'
    if (number !== null) return this.#text(`${this.#github}/pulls/${number}`, accept)
    const repository = await this.#json(this.#github)
    const base = text(Object(repository).default_branch)
    if (base === '' || base === branch) return ''
    const range = `${encodeURIComponent(base)}...${encodeURIComponent(branch)}`
    return this.#text(`${this.#github}/compare/${range}`, accept)
  }

  get #github(): string {
    const { owner, name } = this.#remote
    return `${this.#base}/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`
  }

  async #pullRequest(branch: string): Promise<PullRequest | undefined> {
    const query = new URLSearchParams({
      head: `${this.#remote.owner}:${branch}`,
      state: 'all',
      sort: 'updated',
      direction: 'desc',
      per_page: '1',
    })
    const [first] = list(await this.#json(`${this.#github}/pulls?${query}`))
    if (first === undefined) return undefined
    const number = whole(first.number)
    const one = record(await this.#json(`${this.#github}/pulls/${number}`))
    const reviews = list(await this.#json(`${this.#github}/pulls/${number}/reviews?per_page=100`))
    // What counts is what each of them has said last.
    const verdicts = new Map<string, string>()
    for (const review of reviews) {
      const state = text(review.state)
      if (state === 'APPROVED' || state === 'CHANGES_REQUESTED' || state === 'DISMISSED')
        verdicts.set(text(record(review.user).login), state)
    }
    const said = [...verdicts.values()].filter((state) => state !== 'DISMISSED')
    const author = record(one.user)
    return {
      number,
      url: text(one.html_url),
      state: typeof one.merged_at === 'string' ? 'merged' : one.state === 'open' ? 'open' : 'closed',
      title: text(one.title),
      draft: one.draft === true,
      additions: whole(one.additions),
      deletions: whole(one.deletions),
      changedFiles: whole(one.changed_files),
      commits: whole(one.commits),
      authorLogin: text(author.login) || undefined,
      authorAvatarUrl: text(author.avatar_url) || undefined,
      baseBranch: text(record(one.base).ref),
      headBranch: text(record(one.head).ref) || branch,
      changesRequested: said.includes('CHANGES_REQUESTED'),
      approved: said.includes('APPROVED') && !said.includes('CHANGES_REQUESTED'),
      reviewerCount: verdicts.size,
    }
  }

  get #gitlab(): string {
    const { owner, name } = this.#remote
    return `${this.#base}/projects/${encodeURIComponent(`${owner}/${name}`)}`
  }

  async #mergeRequest(branch: string): Promise<PullRequest | undefined> {
    const query = new URLSearchParams({
      source_branch: branch,
      order_by: 'updated_at',
      sort: 'desc',
      per_page: '1',
    })
    const [one] = list(await this.#json(`${this.#gitlab}/merge_requests?${query}`))
    if (one === undefined) return undefined
    const author = record(one.author)
    const state = text(one.state)
    const diff = (await this.#gitlabDiff(branch, whole(one.iid))) ?? ''
    return {
      number: whole(one.iid),
      url: text(one.web_url),
      state: state === 'merged' ? 'merged' : state === 'opened' ? 'open' : 'closed',
      title: text(one.title),
      draft: one.draft === true,
      additions: count(diff, /^\+(?!\+\+ )/gm),
      deletions: count(diff, /^-(?!-- )/gm),
      changedFiles: count(diff, /^diff --git /gm),
      commits: undefined,
      authorLogin: text(author.username) || undefined,
      authorAvatarUrl: text(author.avatar_url) || undefined,
      baseBranch: text(one.target_branch),
      headBranch: text(one.source_branch) || branch,
      changesRequested: false,
      approved: undefined,
      reviewerCount: list(one.reviewers).length,
    }
  }

  async #gitlabDiff(branch: string, number: number | null): Promise<string | undefined> {
    let changes: readonly Json[]
    if (number !== null)
      changes = list(await this.#json(`${this.#gitlab}/merge_requests/${number}/diffs?per_page=100`))
    else {
      const base = text(record(await this.#json(this.#gitlab)).default_branch)
      if (base === '' || base === branch) return ''
      const query = new URLSearchParams({ from: base, to: branch })
      changes = list(record(await this.#json(`${this.#gitlab}/repository/compare?${query}`)).diffs)
    }
    return changes
      .map((change) => {
        const [before, after] = [text(change.old_path, 4_096), text(change.new_path, 4_096)]
        return `diff --git a/${before} b/${after}\n--- a/${before}\n+++ b/${after}\n${text(change.diff, MAX_DIFF)}`
      })
      .join('')
  }

  async #json(address: string): Promise<unknown> {
    const response = await this.#send(address, 'application/json')
    if (response === undefined) return undefined
    try {
      return await response.json()
    } catch (error) {
      throw new GitHostError(`${this.#provider.id} answered with something that is no JSON`, { cause: error })
    }
  }

  async #text(address: string, accept: string): Promise<string | undefined> {
    return (await this.#send(address, accept))?.text()
  }

  async #send(address: string, accept: string): Promise<Response | undefined> {
    let response: Response
    try {
      response = await this.#outbound.fetch(
        { name: this.#provider.id, source: 'GitAPIChats', maxBytes: MAX_DIFF },
        address,
        { headers: { Accept: accept, Authorization: `Bearer ${this.#token}` } },
      )
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error
      throw new GitHostError(error.message, { cause: error })
    }
    if (response.status === 404) return undefined
    if (!response.ok) throw new GitHostError(`${this.#provider.id} answered ${response.status}`)
    return response
  }
}

/** Where the API of a provider is: beside the address at which its tokens are validated. */
function apiBaseOf({ type, validateUrl }: Provider): string | undefined {
  const url = URL.parse(validateUrl)
  if (url === null) return undefined
  switch (type) {
    case 'github':
      return `${url.origin}${url.pathname.replace(/\/user\/?$/, '').replace(/\/+$/, '')}`
    case 'gitlab':
      return `${url.origin}/api/v4`
    default:
      return undefined
  }
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(record) : []
}

function text(value: unknown, limit = MAX_TEXT): string {
  return typeof value === 'string' ? value.replaceAll('\0', '').slice(0, limit).toWellFormed() : ''
}

function whole(value: unknown): number {
  return Number.isSafeInteger(value) ? Math.min(Math.max(0, Number(value)), 2_147_483_647) : 0
}

function count(diff: string, pattern: RegExp): number {
  return diff.match(pattern)?.length ?? 0
}
