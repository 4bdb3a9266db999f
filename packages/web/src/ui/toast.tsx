import { CircleAlert, CircleCheck, X } from 'lucide-react'
import { useEffect, useState, useSyncExternalStore } from 'react'

import { describeError } from '../api/errors.ts'
import { classNames } from './class-names.ts'

interface Toast {
  readonly id: number
  readonly tone: 'ok' | 'bad'
  readonly title: string
  readonly detail?: string
  readonly action?: ToastAction
}

/** Something to do about it, such as taking it back. */
interface ToastAction {
  readonly label: string
  readonly run: () => void
}

const MAX_TOASTS = 4
const SHORT_MS = 5000

/** Toasts on screen: a few, the newest last; the same text twice is shown once (UI-507). */
class Toasts {
  #items: readonly Toast[] = []
  #next = 1
  readonly #listeners = new Set<() => void>()

  readonly items = (): readonly Toast[] => this.#items

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Something finished elsewhere than where the viewer looks. */
  done(title: string, action?: ToastAction): void {
    this.#add({ tone: 'ok', title, ...(action === undefined ? {} : { action }) })
  }

  /** Something failed and has no better place to say so. Stays until dismissed. */
  failed(title: string, error: unknown): void {
    const { message, detail, requestId } = describeError(error)
    const rest = [message, detail, requestId === undefined ? undefined : `Request ${requestId}`]
    this.#add({ tone: 'bad', title, detail: rest.filter((part) => part !== undefined).join(' · ') })
  }

  dismiss(id: number): void {
    this.#set(this.#items.filter((item) => item.id !== id))
  }

  #add(toast: Omit<Toast, 'id'>): void {
    const others = this.#items.filter((item) => item.title !== toast.title || item.detail !== toast.detail)
    this.#set([...others, { ...toast, id: this.#next++ }].slice(-MAX_TOASTS))
  }

  #set(items: readonly Toast[]): void {
    this.#items = items
    for (const listener of this.#listeners) listener()
  }
}

export const toasts = new Toasts()

/** Where toasts appear. */
export function ToastRegion() {
  const items = useSyncExternalStore(toasts.subscribe, toasts.items)
  return (
    <section
      aria-label="Notifications"
      className="pointer-events-none fixed inset-x-4 bottom-4 z-[60] flex flex-col items-end gap-2"
    >
      {items.map((toast) => (
        <ToastCard key={toast.id} toast={toast} />
      ))}
    </section>
  )
}

function ToastCard({ toast }: { readonly toast: Toast }) {
  const [held, setHeld] = useState(false)
  useEffect(() => {
    if (toast.tone === 'bad' || held) return
    const timer = setTimeout(() => toasts.dismiss(toast.id), SHORT_MS)
    return () => clearTimeout(timer)
  }, [toast, held])
  const Icon = toast.tone === 'ok' ? CircleCheck : CircleAlert
  return (
    <div
      role={toast.tone === 'ok' ? 'status' : 'alert'}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      className="pointer-events-auto flex w-full max-w-sm animate-rise items-start gap-2.5 rounded-card border border-line bg-raised py-2.5 pl-3 pr-2 text-sm shadow-float"
    >
      <Icon
        className={classNames('mt-0.5 size-4 shrink-0', toast.tone === 'ok' ? 'text-ok' : 'text-bad')}
        aria-hidden="true"
      />
      <div className="min-w-0 flex-1">
        <div className="font-medium">{toast.title}</div>
        {toast.detail === undefined ? null : <div className="text-xs text-ink-2">{toast.detail}</div>}
      </div>
      {toast.action === undefined ? null : (
        <button
          type="button"
          onFocus={() => setHeld(true)}
          onBlur={() => setHeld(false)}
          onClick={() => {
            toasts.dismiss(toast.id)
            toast.action?.run()
          }}
          className="h-6 shrink-0 rounded-control px-1.5 text-sm font-medium text-accent hover:bg-hover"
        >
          {toast.action.label}
        </button>
      )}
      <button
        type="button"
        onClick={() => toasts.dismiss(toast.id)}
        onFocus={() => setHeld(true)}
        onBlur={() => setHeld(false)}
        aria-label="Dismiss"
        className="inline-flex size-6 shrink-0 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink"
      >
        <X className="size-3.5" />
      </button>
    </div>
  )
}
