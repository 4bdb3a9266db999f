import { useLayoutEffect, useRef } from 'react'

import { AppLink, usePathname } from '../navigation/app-link.tsx'

export interface SideNavLink {
  readonly to: string
  readonly label: string
}

export interface SideNavGroup {
  readonly title: string
  readonly links: readonly SideNavLink[]
}

/** The link of the page that shows, or of the one above it. */
export function linkOf<Link extends SideNavLink>(links: readonly Link[], pathname: string): Link | undefined {
  return links.find(({ to }) => pathname === to || pathname.startsWith(`${to}/`))
}

/** Pages that belong together, more than tabs have room for: a column beside them, a row of tabs where it is narrow. */
export function SideNav({
  label,
  groups,
}: {
  readonly label: string
  readonly groups: readonly SideNavGroup[]
}) {
  const pathname = usePathname()
  const nav = useRef<HTMLElement>(null)
  // Some links are known to belong there only a moment later.
  const count = groups.reduce((sum, { links }) => sum + links.length, 0)
  // Where the links are a row of tabs, the current one may lie beyond the edge.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the current link changes with the path and with the links
  useLayoutEffect(() => {
    const current = nav.current?.querySelector<HTMLElement>('[aria-current="page"]')
    if (nav.current === null || current == null) return
    nav.current.scrollLeft = current.offsetLeft - (nav.current.clientWidth - current.offsetWidth) / 2
  }, [pathname, count])
  return (
    <nav
      ref={nav}
      aria-label={label}
      className="relative -mx-4 mb-6 flex gap-5 overflow-x-auto border-b border-line px-4 [scrollbar-width:none] sm:-mx-6 sm:px-6 lg:sticky lg:top-[calc(1.5rem+var(--announcements,0px))] lg:mx-0 lg:mb-0 lg:w-44 lg:shrink-0 lg:flex-col lg:self-start lg:border-b-0 lg:px-0"
    >
      {groups.map((group) => (
        <div key={group.title} className="contents lg:block">
          <div className="mb-1 hidden px-2.5 text-xs font-medium text-ink-3 lg:block">{group.title}</div>
          {group.links.map((link) => (
            <AppLink
              key={link.to}
              href={link.to}
              aria-current={linkOf([link], pathname) === undefined ? undefined : 'page'}
              className="-mb-px inline-flex h-9 shrink-0 items-center border-b-2 border-transparent text-sm font-medium text-ink-2 outline-offset-[-2px] transition-colors duration-(--fast) hover:text-ink aria-[current=page]:border-accent aria-[current=page]:text-ink pointer-coarse:h-11 lg:mb-0 lg:flex lg:h-8 lg:rounded-control lg:border-b-0 lg:px-2.5 lg:hover:bg-hover lg:aria-[current=page]:bg-hover"
            >
              {link.label}
            </AppLink>
          ))}
        </div>
      ))}
    </nav>
  )
}
