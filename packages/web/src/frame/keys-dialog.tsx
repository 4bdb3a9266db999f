import { Dialog } from '../ui/dialog.tsx'

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform)

/** What the platform calls its command key. */
export const COMMAND_KEY = APPLE ? '⌘' : 'Ctrl'

const KEYS: readonly (readonly [string, readonly string[]])[] = [
  ['Search pages, workspaces and actions', [COMMAND_KEY, 'K']],
  ['Show this list', ['?']],
  ['Workspaces', ['g', 'w']],
  ['Templates', ['g', 't']],
  ['Agents', ['g', 'a']],
  ['Users', ['g', 'u']],
  ['Your settings', ['g', 's']],
  ['Focus the filter of a list', ['/']],
  ['Next and previous row of a list', ['↓', '↑']],
  ['Open the row', ['Enter']],
  ['Select the row', ['Space']],
  ['New chat, among agents', ['Alt', 'N']],
  ['Find in a chat', [COMMAND_KEY, 'F']],
  ['Former messages, in an empty message', ['↑', '↓']],
  ['Stop the model, or leave a change', ['Esc']],
  ['Next part of the page, among agents', ['F6']],
  ['Leave a terminal', ['Ctrl', 'Shift', 'Esc']],
]

/** All keys of the dashboard (`?`). */
export function KeysDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="Keys">
      {/* It scrolls on small screens, and by keys only where something in it has the focus. */}
      <dl className="-my-1 flex flex-col" tabIndex={0}>
        {KEYS.map(([what, keys]) => (
          <div
            key={what}
            className="flex min-h-9 items-center justify-between gap-4 border-b border-line py-1.5 text-sm last:border-0"
          >
            <dt>{what}</dt>
            <dd className="flex shrink-0 gap-1">
              {keys.map((key) => (
                <Key key={key}>{key}</Key>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}

/** A key as it looks on a keyboard. */
export function Key({ children }: { readonly children: string }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded-sm border border-line-strong bg-surface px-1 font-sans text-[11px] font-medium text-ink-2">
      {children}
    </kbd>
  )
}
