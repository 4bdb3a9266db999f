import { useRouter, useRouterState } from '@tanstack/react-router'
import type { ComponentProps, MouseEvent } from 'react'

interface AppLinkProps extends Omit<ComponentProps<'a'>, 'href'> {
  /** Path and query of the dashboard, from the route table. */
  readonly href: string
  readonly replace?: boolean
}

/** A link inside the dashboard: a real one for the browser, without a page load for a plain click. */
export function AppLink({ href, replace = false, onClick, ...rest }: AppLinkProps) {
  const router = useRouter()
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
    if (event.defaultPrevented || !plain || (rest.target !== undefined && rest.target !== '_self')) return
    event.preventDefault()
    void router.navigate({ href, replace })
  }
  return <a {...rest} href={href} onClick={follow} />
}

/** Goes to an address of the dashboard. */
export function useGo(): (href: string, options?: { readonly replace?: boolean }) => void {
  const router = useRouter()
  return (href, { replace = false } = {}) => void router.navigate({ href, replace })
}

/** Path of the page that shows. */
export function usePathname(): string {
  return useRouterState({ select: (state) => state.location.pathname })
}
