import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useLayoutEffect, useRef } from 'react'

import { appearanceQuery } from './queries.ts'

// Markdown is loaded only where something is announced.
const Announcement = lazy(() =>
  import('./announcement.tsx').then((module) => ({ default: module.Announcement })),
)

/** What the deployment announces, above every page (UI-307). Its height is in `--announcements` for what sticks below it. */
export function Announcements() {
  const banners = useQuery(appearanceQuery).data?.announcement_banners ?? []
  const shown = banners.filter(({ enabled, message }) => enabled && message.trim() !== '')
  const strip = useRef<HTMLElement>(null)
  const any = shown.length > 0
  useLayoutEffect(() => {
    const element = strip.current
    if (!any || element === null) return
    const { style } = document.documentElement
    const note = () => style.setProperty('--announcements', `${element.offsetHeight}px`)
    note()
    const watch = new ResizeObserver(note)
    watch.observe(element)
    return () => {
      watch.disconnect()
      style.removeProperty('--announcements')
    }
  }, [any])
  if (!any) return null
  return (
    <aside ref={strip} aria-label="Announcements" className="sticky top-0 z-40">
      {shown.map((banner, index) => (
        <Suspense
          // biome-ignore lint/suspicious/noArrayIndexKey: announcements have no identity but their place
          key={index}
          fallback={<div className="h-9" style={{ background: banner.background_color }} />}
        >
          <Announcement banner={banner} />
        </Suspense>
      ))}
    </aside>
  )
}
