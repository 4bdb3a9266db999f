import { type RefObject, useEffect, useState } from 'react'

/** How far from the edge of what is visible something counts as in sight already. */
const AROUND = '400px'

const listeners = new WeakMap<Element, (inSight: boolean) => void>()
let observer: IntersectionObserver | undefined

function watcher(): IntersectionObserver {
  // Boxes that scroll inside of the page have their margin too where browsers know of it.
  const options = { rootMargin: AROUND, scrollMargin: AROUND }
  observer ??= new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) listeners.get(target)?.(isIntersecting)
  }, options)
  return observer
}

/** Whether an element is in sight or near it; all of them share one observer. */
export function useInSight(element: RefObject<Element | null>): boolean {
  const [inSight, setInSight] = useState(false)
  useEffect(() => {
    const { current } = element
    if (current === null) return
    listeners.set(current, setInSight)
    watcher().observe(current)
    return () => {
      watcher().unobserve(current)
      listeners.delete(current)
    }
  }, [element])
  return inSight
}
