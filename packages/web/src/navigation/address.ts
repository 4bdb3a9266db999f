import { useParams, useRouter, useRouterState } from '@tanstack/react-router'
import { useCallback } from 'react'

type Search = Readonly<Record<string, string>>

/** The query of an address as texts: `?page=2` is not a number until its reader says so. */
export function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search))
}

/** The other way around; empty and missing values leave no trace in the address. */
export function stringifySearch(search: Record<string, unknown>): string {
  const kept = Object.entries(search).flatMap(([name, value]) =>
    value === undefined || value === null || value === '' ? [] : [[name, String(value)]],
  )
  return kept.length === 0 ? '' : `?${new URLSearchParams(kept)}`
}

/**
 * The query of the page and how to change it (UI-1): a patch keeps the other values, `undefined` removes one. By
 * default the history entry is replaced.
 */
export function useAddress(): readonly [
  Search,
  (patch: Readonly<Record<string, string | undefined>>, push?: boolean) => void,
] {
  const search = useRouterState({ select: (state): Search => state.location.search })
  const router = useRouter()
  const change = useCallback(
    (patch: Readonly<Record<string, string | undefined>>, push = false) => {
      const { pathname, search: present } = router.state.location
      void router.navigate({
        href: pathname + stringifySearch({ ...present, ...patch }),
        replace: !push,
        resetScroll: false,
      })
    },
    [router],
  )
  return [search, change]
}

/** One parameter of the path; empty on a route that has none of this name. */
export function useRouteParam(name: string): string {
  const params: Readonly<Record<string, string | undefined>> = useParams({ strict: false })
  return params[name] ?? ''
}

/** What an address names on its page, without the `#`. */
export function useHash(): string {
  return useRouterState({ select: (state) => state.location.hash })
}
