/** States of pull requests, in the order in which addresses name them. */
export const PR_STATES = ['draft', 'open', 'merged', 'closed'] as const
export type PrState = (typeof PR_STATES)[number]

export const SOURCES = ['created_by_me', 'shared_with_me'] as const
export type Source = (typeof SOURCES)[number]

/** What the list of chats shows, as the address says (chapter 10, 11.1). */
export interface ChatFilter {
  readonly archived: boolean
  readonly groupBy: 'date' | 'chat_status'
  readonly prStates: readonly PrState[]
  readonly read: 'unread' | 'read' | undefined
  readonly sources: readonly Source[]
}

const USUAL: ChatFilter = {
  archived: false,
  groupBy: 'date',
  prStates: [],
  read: undefined,
  sources: ['created_by_me'],
}

type Search = Readonly<Record<string, string | undefined>>

/** Reads the filter out of an address; whatever it does not know counts as left out. */
export function readChatFilter(search: Search): ChatFilter {
  const sources = listed(search.source, SOURCES)
  return {
    archived: search.archived === 'archived',
    groupBy: search.group_by === 'chat_status' ? 'chat_status' : 'date',
    prStates: listed(search.pr_status, PR_STATES),
    read: search.chat_status === 'unread' || search.chat_status === 'read' ? search.chat_status : undefined,
    sources: sources.length === 0 ? USUAL.sources : sources,
  }
}

/** The query of an address that shows this filter; what is usual is left out. */
export function chatFilterQuery(filter: ChatFilter): Record<string, string | undefined> {
  const sources = SOURCES.filter((source) => filter.sources.includes(source))
  return {
    archived: filter.archived ? 'archived' : undefined,
    group_by: filter.groupBy === 'date' ? undefined : filter.groupBy,
    pr_status: PR_STATES.filter((state) => filter.prStates.includes(state)).join(',') || undefined,
    chat_status: filter.read,
    source: sources.length === 0 || sources.join() === USUAL.sources.join() ? undefined : sources.join(','),
  }
}

/** The filter in the server's grammar (CH-411). */
export function chatListQuestion(filter: ChatFilter): string {
  return [
    filter.archived ? 'archived:true' : '',
    filter.read === undefined ? '' : `has_unread:${filter.read === 'unread'}`,
    filter.prStates.length === 0 ? '' : `pr_status:${filter.prStates.join(',')}`,
    filter.sources.join() === USUAL.sources.join() ? '' : `source:${filter.sources.join(',')}`,
  ]
    .filter((term) => term !== '')
    .join(' ')
}

/** Whether it leaves out chats that are usually there. */
export function isNarrowed(filter: ChatFilter): boolean {
  return (
    filter.prStates.length > 0 || filter.read !== undefined || filter.sources.join() !== USUAL.sources.join()
  )
}

function listed<Value extends string>(text: string | undefined, known: readonly Value[]): readonly Value[] {
  const named = new Set((text ?? '').split(','))
  return known.filter((value) => named.has(value))
}

/** An id of a chat from an address: up to the first `?` or space; `undefined` for what is none (UI-1102). */
export function chatIdOf(text: string): string | undefined {
  const id = /^[^?\s]*/.exec(text)?.[0] ?? ''
  return /^[A-Za-z0-9._~-]+$/.test(id) ? id : undefined
}

/** The chat that an address is about; `undefined` on other pages. */
export function chatOfPath(pathname: string): string | undefined {
  try {
    return chatIdOf(decodeURIComponent(/^\/agents\/([^/]+)/.exec(pathname)?.[1] ?? ''))
  } catch {
    // No valid percent-encoding.
    return undefined
  }
}

/** Chips of the search beside its words (UI-1109). */
interface SearchChips {
  readonly unread: boolean
  readonly archived: boolean
  readonly prState: PrState | undefined
}

/**
 * What somebody looks for in the server's grammar: words over titles and messages, an address of a pull request, and
 * chips. `undefined` when there is nothing to look for.
 */
export function chatSearchQuestion(text: string, chips: SearchChips): string | undefined {
  const words = text.replaceAll('"', ' ').replace(/\s+/g, ' ').trim()
  const link = /^https?:\/\/\S+$/.test(words)
  const terms = [
    words === '' ? '' : link ? `diff_url:"${words}"` : `search:"${words}"`,
    chips.unread ? 'has_unread:true' : '',
    chips.archived ? 'archived:true' : '',
    chips.prState === undefined ? '' : `pr_status:${chips.prState}`,
  ].filter((term) => term !== '')
  return terms.length === 0 ? undefined : terms.join(' ')
}

/** Whether a text has a word that can be looked for at all. */
export function hasSearchableWord(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text)
}
