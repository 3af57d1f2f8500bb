import { Input, PasswordInput, Select, Switch, TextInput } from '@mantine/core';
import { texts } from '../../texts/texts';
import { FILES, SECRETS } from './forms';
import type { FieldName } from './forms';
import type { Settings } from './read-providers';

interface SettingsFieldProps {
  name: FieldName;
  settings: Settings;
  isOptional: boolean;
  edit: (part: Settings) => void;
}

/** One field of a provider's settings. Marked against a browser that fills in the secret of the sign-in. */
export function SettingsField({ name, settings, isOptional, edit }: SettingsFieldProps) {
  const { fields, hints, modes } = texts.providers;
  const label = fields[name];
  const value = String(settings[name] ?? '');
  const common = {
    label,
    name: `provider-${name}`,
    description: hints[name as keyof typeof hints],
    required: !isOptional,
  };
  const accept = FILES[name];
  if (accept !== undefined)
    return (
      <TextInput
        {...common}
        type="file"
        accept={accept}
        onChange={({ currentTarget: { files } }) => {
          const file = files?.[0];
          if (file) void readFile(name, file).then(edit);
        }}
      />
    );
  if (name === 'isSandBox')
    return (
      <Switch
        label={label}
        checked={settings.isSandBox === true}
        onChange={(event) => edit({ isSandBox: event.currentTarget.checked })}
      />
    );
  if (name === 'mode')
    return (
      <Select
        label={label}
        data={Object.entries(modes).map(([mode, text]) => ({ value: mode, label: text }))}
        value={value || 'upstream'}
        allowDeselect={false}
        onChange={(mode) => edit({ mode: mode ?? 'upstream', ...(mode === 'both' && { share: settings.share ?? 0 }) })}
      />
    );
  if (name === 'share') {
    if (settings.mode !== 'both') return null;
    const share = Number(settings.share ?? 0);
    return (
      <Input.Wrapper label={label} description={texts.providers.shareOf(share)} id="provider-share">
        <input
          id="provider-share"
          type="range"
          min={0}
          max={100}
          value={share}
          aria-valuetext={texts.providers.shareOf(share)}
          style={{ width: '100%', accentColor: 'var(--mantine-primary-color-filled)' }}
          onChange={(event) => edit({ share: Number(event.currentTarget.value) })}
        />
      </Input.Wrapper>
    );
  }
  if (SECRETS.includes(name))
    return (
      <PasswordInput
        {...common}
        // An empty password of a .p12 file is one.
        required={!isOptional && name !== 'password'}
        autoComplete="new-password"
        visibilityToggleButtonProps={{ 'aria-label': texts.signIn.showSecret }}
        value={value}
        onChange={(event) => edit({ [name]: event.currentTarget.value })}
      />
    );
  return (
    <TextInput
      {...common}
      autoComplete="off"
      value={value}
      onChange={(event) => edit({ [name]: event.currentTarget.value })}
    />
  );
}

/** Apple's file has the id of its key in its name. */
async function readFile(name: FieldName, file: File): Promise<Settings> {
  if (name === 'certificate') {
    const bytes = new Uint8Array(await file.arrayBuffer());
    return { certificate: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')), fileName: file.name };
  }
  const keyId = name === 'key' && /^AuthKey_([A-Z0-9]{10})\.p8$/.exec(file.name)?.[1];
  return { [name]: await file.text(), ...(keyId && { keyId }) };
}
