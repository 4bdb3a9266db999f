import { CopyableCode } from '../ui/copyable.tsx'

/** The redirect URI that has to be registered at the provider. */
export function CallbackField({ url }: { readonly url: string }) {
  return (
    <div className="flex flex-col gap-1.5">
      <span className="text-sm font-medium">Redirect URI</span>
      <CopyableCode code={url} label="Copy the redirect URI" />
      <span className="text-xs text-ink-2">
        Also called callback URL. The provider sends people back here.
      </span>
    </div>
  )
}
