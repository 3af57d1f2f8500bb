import { Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { texts } from '../../texts/texts';
import { Act, Dialog } from '../../parts/dialog';
import { ScopedButton } from '../../parts/scoped';

interface SaveAudienceProps {
  applicationId: string;
  target: Record<string, unknown>;
}

/** Gives the target a name, for later messages and campaigns. */
export function SaveAudience({ applicationId, target }: SaveAudienceProps) {
  const [isOpen, { open, close }] = useDisclosure(false);
  const [savedAs, setSavedAs] = useState<string | null>(null);
  const words = texts.audience.save;
  return (
    <div>
      <ScopedButton
        needs={['audiences.write', 'campaigns.write']}
        applicationId={applicationId}
        variant="default"
        size="xs"
        onClick={open}
      >
        {words.button}
      </ScopedButton>
      {savedAs !== null && (
        <Text size="sm" role="status">
          {words.saved(savedAs)}
        </Text>
      )}
      {isOpen && (
        <SaveDialog
          applicationId={applicationId}
          target={target}
          close={close}
          onSaved={(name) => {
            close();
            setSavedAs(name);
          }}
        />
      )}
    </div>
  );
}

interface SaveDialogProps extends SaveAudienceProps {
  close: () => void;
  onSaved: (name: string) => void;
}

function SaveDialog({ applicationId, target, close, onSaved }: SaveDialogProps) {
  const words = texts.audience.save;
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const saving = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST('/imfpush/v1/apps/{applicationId}/audiences', {
          params: { path: { applicationId } },
          body: { name: name.trim(), target, ...(description.trim() !== '' && { description: description.trim() }) },
        }),
      ),
    onSuccess: async (audience) => {
      await queries.invalidateQueries({ queryKey: ['audiences', applicationId] });
      onSaved(audience.name);
    },
  });
  return (
    <Dialog title={words.title} close={close}>
      <Act close={close} of={saving} act={() => saving.mutate()} label={words.act} disabled={name.trim() === ''}>
        <TextInput
          label={words.name}
          description={words.nameHint}
          value={name}
          maxLength={64}
          required
          data-autofocus
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label={words.description}
          value={description}
          maxLength={500}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
      </Act>
    </Dialog>
  );
}
