import { Download } from 'lucide-react'

import { buttonClass } from '../ui/button.tsx'
import { CopyButton } from '../ui/copyable.tsx'
import { LabelledToggle } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'

interface RecoveryCodesProps {
  readonly codes: readonly string[]
  readonly saved: boolean
  readonly onSaved: (saved: boolean) => void
}

/** Codes that are shown once, with ways to keep them, and the word of the viewer that they were kept (UI-508). */
export function RecoveryCodes({ codes, saved, onSaved }: RecoveryCodesProps) {
  const text = codes.join('\n')
  return (
    <div className="flex flex-col gap-4">
      <Notice tone="warn" title="Save these codes now: they are not shown again">
        Each one signs you in once if you lose your other factors. Without them, only an administrator can let
        you back in.
      </Notice>
      <div className="rounded-card border border-line bg-bg">
        <ul
          aria-label="Recovery codes"
          className="grid gap-x-6 gap-y-1 px-4 py-3 font-mono text-sm sm:grid-cols-2"
        >
          {codes.map((code) => (
            <li key={code} className="select-all whitespace-nowrap">
              {code}
            </li>
          ))}
        </ul>
        <div className="flex items-center justify-end gap-2 border-t border-line px-2 py-1.5">
          <a
            className={buttonClass({ tone: 'quiet', size: 'dense' })}
            download="slipway-recovery-codes.txt"
            href={`data:text/plain;charset=utf-8,${encodeURIComponent(`${text}\n`)}`}
          >
            <Download className="size-3.5" aria-hidden="true" /> Download
          </a>
          <CopyButton text={text} label="Copy the codes" />
        </div>
      </div>
      <LabelledToggle kind="checkbox" label="I have saved them" checked={saved} onChange={onSaved} />
    </div>
  )
}
