import { useAddress } from './address.ts'

/** What a list shows, as its address says: part of all there is, and which page of that. */
export interface ListAddress {
  /** In the server's grammar; empty for all. */
  readonly filter: string
  /** From 1. */
  readonly page: number
  /** Whether there may be rows that are not asked for. */
  readonly narrowed: boolean
  /** Another filter begins at its first page (UI-501). */
  readonly setFilter: (filter: string) => void
  readonly setPage: (page: number) => void
  readonly reset: () => void
}

/**
 * Filter and page of a list (UI-501, UI-502). Where an address without a filter means a `usual` one, `*` in it means
 * all.
 */
export function useListAddress(usual = ''): ListAddress {
  const [search, change] = useAddress()
  const filter = filterOf(search.filter, usual)
  const page = pageOf(search.page)
  return {
    filter,
    page,
    narrowed: page > 1 || (filter !== usual && filter !== ''),
    setFilter: (next) =>
      change({ filter: next === usual ? undefined : next === '' ? '*' : next, page: undefined }),
    setPage: (next) => change({ page: String(next) }, true),
    reset: () => change({ filter: undefined, page: undefined }),
  }
}

function filterOf(text: string | undefined, usual: string): string {
  return text === undefined ? usual : text === '*' && usual !== '' ? '' : text
}

/** The number of a page; the first one for whatever is none (UI-502). */
export function pageOf(text: string | undefined): number {
  const page = Number(text ?? 1)
  return Number.isSafeInteger(page) && page > 0 ? page : 1
}
