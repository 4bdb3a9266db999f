import { useMutation, useQuery } from '@tanstack/react-query'
import { Fingerprint, KeySquare, Smartphone } from 'lucide-react'
import { type ReactNode, useState } from 'react'

import { createRecoveryCodes, deleteTotp, type SecondFactors } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog, Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { AddPasskeyDialog } from './add-passkey-dialog.tsx'
import { AddTotpDialog } from './add-totp-dialog.tsx'
import { Passkeys } from './passkeys.tsx'
import { secondFactorsQuery } from './queries.ts'
import { RecoveryCodes } from './recovery-codes.tsx'

/** Reads the factors again after one of them changed. */
const refresh = () => queries.invalidateQueries({ queryKey: secondFactorsQuery.queryKey })
const FEW = 3

/** Authenticator app, passkeys and recovery codes of the viewer (L-32). */
export function SecondFactorsSection() {
  const factors = useQuery(secondFactorsQuery)
  return (
    <Section
      title="Second factors"
      help="What signing in asks for after your password. A passkey can also sign you in on its own."
      flush
    >
      {factors.data === undefined ? (
        <div className="p-4">
          {factors.isError ? (
            <ErrorNotice
              error={factors.error}
              title="The second factors could not be read"
              onRetry={() => void factors.refetch()}
            />
          ) : (
            <AfterDelay>
              <div className="flex flex-col gap-4" aria-busy="true">
                {[0, 1, 2].map((row) => (
                  <div key={row} className="skeleton h-9" />
                ))}
              </div>
            </AfterDelay>
          )}
        </div>
      ) : (
        <Factors factors={factors.data} />
      )}
    </Section>
  )
}

function Factors({ factors }: { readonly factors: SecondFactors }) {
  const online = useOnline()
  const [open, setOpen] = useState<'totp' | 'passkey' | 'codes'>()
  const [codes, setCodes] = useState<readonly string[]>([])
  const close = () => setOpen(undefined)
  /** Codes come with the first factor, and are shown before anything else. */
  const added = (fresh: readonly string[]) => {
    void refresh()
    setCodes(fresh)
    setOpen(fresh.length > 0 ? 'codes' : undefined)
  }
  const has = factors.totp.enabled || factors.passkeys.length > 0
  return (
    <>
      {factors.required && !has ? (
        <div className="p-4 pb-0">
          <Notice tone="warn" title="This deployment requires a second factor">
            Set one up now, or your next sign-in will ask for it.
          </Notice>
        </div>
      ) : null}
      <Row
        icon={<Smartphone className="size-5" strokeWidth={1.5} aria-hidden="true" />}
        title="Authenticator app"
        text={
          factors.totp.enabled ? (
            <>
              Set up <TimeAgo time={factors.totp.created_at} />
            </>
          ) : (
            'A code every 30 seconds, from an app on your phone or in your password manager.'
          )
        }
        action={
          factors.totp.enabled ? (
            <RemoveTotp last={factors.passkeys.length === 0} />
          ) : (
            <Button disabled={!online} onClick={() => setOpen('totp')}>
              Set up
            </Button>
          )
        }
      />
      <Row
        icon={<Fingerprint className="size-5" strokeWidth={1.5} aria-hidden="true" />}
        title="Passkeys"
        text={
          factors.passkeys.length === 0
            ? 'Your fingerprint, your face, a PIN or a security key.'
            : 'Each signs you in, with or without the password.'
        }
        action={
          <Button disabled={!online} onClick={() => setOpen('passkey')}>
            Add a passkey
          </Button>
        }
      >
        <Passkeys passkeys={factors.passkeys} lastFactor={!factors.totp.enabled} onChange={refresh} />
      </Row>
      <Row
        icon={<KeySquare className="size-5" strokeWidth={1.5} aria-hidden="true" />}
        title="Recovery codes"
        text={
          !has ? (
            'You get ten with your first factor, in case you lose it.'
          ) : (
            <span className={factors.recovery_codes_left <= FEW ? 'font-medium text-warn' : undefined}>
              {factors.recovery_codes_left === 0
                ? 'None left. Create new ones.'
                : `${factors.recovery_codes_left} of 10 left`}
            </span>
          )
        }
        action={
          has ? (
            <RenewCodes
              onCodes={(fresh) => {
                void refresh()
                setCodes(fresh)
                setOpen('codes')
              }}
            />
          ) : null
        }
      />
      {open === 'totp' ? <AddTotpDialog onClose={close} onAdded={added} /> : null}
      {open === 'passkey' ? <AddPasskeyDialog onClose={close} onAdded={added} /> : null}
      {open === 'codes' ? <CodesDialog codes={codes} onClose={close} /> : null}
    </>
  )
}

function Row({
  icon,
  title,
  text,
  action,
  children,
}: {
  readonly icon: ReactNode
  readonly title: string
  readonly text: ReactNode
  readonly action: ReactNode
  readonly children?: ReactNode
}) {
  return (
    <div className="border-b border-line px-4 py-3 last:border-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <span className="text-ink-3">{icon}</span>
        <div className="min-w-0 flex-1 basis-44">
          <h3 className="text-sm font-medium">{title}</h3>
          <p className="text-sm text-ink-2">{text}</p>
        </div>
        {action}
      </div>
      {children}
    </div>
  )
}

function RemoveTotp({ last }: { readonly last: boolean }) {
  const [asking, setAsking] = useState(false)
  const online = useOnline()
  const remove = useMutation({
    mutationFn: () => api.call(deleteTotp, { params: { user: 'me' } }),
    onSuccess: async () => {
      await refresh()
      setAsking(false)
      toasts.done('The authenticator app was removed')
    },
  })
  return (
    <>
      <Button disabled={!online} onClick={() => setAsking(true)}>
        Remove
      </Button>
      <ConfirmDialog
        open={asking}
        onClose={() => {
          setAsking(false)
          remove.reset()
        }}
        title="Remove the authenticator app?"
        description={
          last
            ? 'It is your last factor: from now on your password alone signs you in, and your recovery codes are deleted.'
            : 'Its codes are refused from now on. Your passkeys stay.'
        }
        verb="Remove the app"
        danger
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      />
    </>
  )
}

function RenewCodes({ onCodes }: { readonly onCodes: (codes: readonly string[]) => void }) {
  const [asking, setAsking] = useState(false)
  const online = useOnline()
  const renew = useMutation({
    mutationFn: () => api.call(createRecoveryCodes, { params: { user: 'me' } }),
    onSuccess: ({ recovery_codes }) => {
      setAsking(false)
      onCodes(recovery_codes)
    },
  })
  return (
    <>
      <Button disabled={!online} onClick={() => setAsking(true)}>
        Create new codes
      </Button>
      <ConfirmDialog
        open={asking}
        onClose={() => {
          setAsking(false)
          renew.reset()
        }}
        title="Create new recovery codes?"
        description="The ones you have now stop working at once."
        verb="Create new codes"
        busy={renew.isPending}
        error={renew.error}
        onConfirm={() => renew.mutate()}
      />
    </>
  )
}

function CodesDialog({
  codes,
  onClose,
}: {
  readonly codes: readonly string[]
  readonly onClose: () => void
}) {
  const [saved, setSaved] = useState(false)
  return (
    <Dialog
      open
      // A stray key must not take away what is shown once.
      onClose={() => (saved ? onClose() : undefined)}
      title="Recovery codes"
      footer={
        <Button tone="primary" disabled={!saved} onClick={onClose}>
          Done
        </Button>
      }
    >
      <RecoveryCodes codes={codes} saved={saved} onSaved={setSaved} />
    </Dialog>
  )
}
