import { type KeyboardEvent, type PointerEvent, useRef } from 'react'

interface PaneDividerProps {
  readonly label: string
  /** Width of the pane in pixels. */
  readonly width: number
  readonly limits: { readonly usual: number; readonly least: number; readonly most: number }
  /** On which side of the divider the pane lies. */
  readonly side: 'left' | 'right'
  readonly onWidth: (width: number) => void
  /** Dragged well below the least width, or closed with Enter. */
  readonly onClose: () => void
  readonly className?: string
}

const STEP = 16
/** Below this part of the least width the pane snaps shut. */
const SNAP = 0.6

/** The line between two panes: drag it, or move it with the arrow keys; a double click brings the usual width back. */
export function PaneDivider({ label, width, limits, side, onWidth, onClose, className }: PaneDividerProps) {
  const start = useRef<{ readonly x: number; readonly width: number }>(undefined)
  const sign = side === 'left' ? 1 : -1
  const most = Math.min(limits.most, Math.round(window.innerWidth * 0.7))
  const set = (next: number) => onWidth(Math.round(Math.max(limits.least, Math.min(most, next))))
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return
    event.preventDefault()
    event.currentTarget.setPointerCapture(event.pointerId)
    start.current = { x: event.clientX, width }
  }
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    if (start.current === undefined) return
    const next = start.current.width + sign * (event.clientX - start.current.x)
    if (next < limits.least * SNAP) {
      start.current = undefined
      onClose()
    } else set(next)
  }
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.key === 'ArrowLeft') set(width - sign * STEP)
    else if (event.key === 'ArrowRight') set(width + sign * STEP)
    else if (event.key === 'Home') set(limits.least)
    else if (event.key === 'End') set(most)
    else if (event.key === 'Enter') onClose()
    else return
    event.preventDefault()
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that is moved; the element for it cannot be.
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={width}
      aria-valuemin={limits.least}
      aria-valuemax={most}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={() => {
        start.current = undefined
      }}
      onPointerCancel={() => {
        start.current = undefined
      }}
      onDoubleClick={() => onWidth(limits.usual)}
      onKeyDown={onKeyDown}
      className={`relative z-10 -mx-1 w-2 shrink-0 cursor-col-resize touch-none outline-none before:absolute before:inset-y-0 before:left-1/2 before:w-px before:bg-line before:transition-colors before:duration-(--fast) hover:before:w-0.5 hover:before:bg-line-strong focus-visible:before:w-0.5 focus-visible:before:bg-accent ${className ?? ''}`}
    />
  )
}
