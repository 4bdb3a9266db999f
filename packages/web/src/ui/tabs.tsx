import { useEffect, useRef } from 'react'

import { AppLink, usePathname } from '../navigation/app-link.tsx'

export interface TabLink {
  readonly to: string
  readonly label: string
  readonly count?: number | undefined
  /** Other addresses under which this tab is the current one. */
  readonly also?: readonly string[]
}

/** The tab whose page an address is. */
export function tabOf(tabs: readonly TabLink[], pathname: string): TabLink | undefined {
  return tabs.find(({ to, also }) => pathname === to || also?.includes(pathname) === true)
}

/** Tabs that are pages: each has its own address. */
export function TabLinks({ label, tabs }: { readonly label: string; readonly tabs: readonly TabLink[] }) {
  const pathname = usePathname()
  const nav = useRef<HTMLElement>(null)
  // Where not all fit, the current one is in sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page has another current tab, and more tabs move it
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [pathname, tabs.length])
  return (
    <nav
      ref={nav}
      aria-label={label}
      className="-mx-4 mb-6 flex gap-5 overflow-x-auto border-b border-line px-4 [scrollbar-width:none] sm:mx-0 sm:px-0"
    >
      {tabs.map((tab) => (
        <AppLink
          key={tab.to}
          href={tab.to}
          aria-current={tabOf([tab], pathname) === undefined ? undefined : 'page'}
          className="-mb-px inline-flex h-9 shrink-0 items-center gap-1.5 border-b-2 border-transparent text-sm font-medium text-ink-2 outline-offset-[-2px] transition-colors duration-(--fast) hover:text-ink aria-[current=page]:border-accent aria-[current=page]:text-ink pointer-coarse:h-11"
        >
          {tab.label}
          {tab.count === undefined ? null : (
            <span className="text-xs text-ink-3 tabular-nums">{tab.count}</span>
          )}
        </AppLink>
      ))}
    </nav>
  )
}
