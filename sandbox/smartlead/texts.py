"""What people and mail servers write back. Bounce notices are cut off as Smartlead cuts them, before the code."""

from __future__ import annotations

from sandbox.world.nature import Disposition, unit

CUT_AT = 200
SUBJECTS = ("Quick question about {company}", "Following up, {first_name}", "Last note from me")
BODY = "<p>Hello {first_name},</p><p>I am the virtual assistant of our team and would like to show you what we do.</p>"

REPLIES: dict[Disposition, tuple[str, ...]] = {
    Disposition.POSITIVE: (
        "Hi, yes, this is relevant for us. Please tell me more.",
        "Danke für die Nachricht, das klingt interessant. Schicken Sie mir gern mehr.",
        "Merci, cela nous intéresse.\nPouvez-vous m'en dire plus ?",
    ),
    Disposition.MEETING: ("Can we talk on Thursday at 10?", "Gern, passt Ihnen Dienstag um 14 Uhr?"),
    Disposition.QUESTION: ("What does it cost, and which systems do you support?", "¿Tienen referencias en España?"),
    Disposition.NEUTRAL: ("Not now, maybe next year.", "Melden Sie sich bitte im Frühjahr noch einmal."),
    Disposition.WRONG_PERSON: ("You should write to our purchasing department.", "Dafür bin ich nicht zuständig."),
    Disposition.NEGATIVE: ("No thanks, we are not interested.", "Kein Interesse.", "Non merci."),
    Disposition.DO_NOT_CONTACT: ("Remove me from your list immediately.", "Do not contact me again!"),
}
AUTOMATIC = (
    ("Automatic reply: {subject}", "I am currently out of the office with limited access to my e-mail."),
    ("Automatische Antwort: {subject}", "Ich bin derzeit nicht im Büro. In dringenden Fällen wenden Sie sich an …"),
    ("Réponse automatique : {subject}", "Je suis actuellement absent du bureau jusqu'à lundi."),
    ("Out of office: {subject}", "I'm on annual leave until the 14th."),
)
NOTICES: dict[str, tuple[str, ...]] = {
    "hard": (
        "** Address not found ** Your message wasn't delivered to {email} because the address couldn't be found, or is"
        " unable to receive mail. The response from the remote server was: 550 5.1.1",
        "Delivery has failed to these recipients or groups: {email} The email address you entered couldn't be found."
        " Please check the recipient's email address and try to resend the message.",
        "Adresse nicht gefunden. Ihre Nachricht wurde nicht an {email} zugestellt, da die Adresse nicht gefunden wurde"
        " oder keine E-Mails empfangen kann.",
        "Votre message n'a pas été remis à {email}, car l'adresse est introuvable ou ne peut pas recevoir d'e-mails.",
        "No se encontró la dirección {email}. El mensaje no se ha entregado porque el usuario no existe.",
    ),
    "soft": (
        "** Recipient inbox full ** Your message couldn't be delivered to {email}. Their inbox is full, or it's getting"
        " too much mail right now.",
        "Ihre Nachricht an {email} konnte nicht zugestellt werden: Das Postfach ist voll.",
        "** Delivery incomplete ** There was a temporary problem delivering your message to {email}. We will retry.",
    ),
    "policy": (
        "** Message blocked ** Your message to {email} has been blocked. See technical details below for more"
        " information. The response was: 550 5.7.1",
        "Your message to {email} was rejected by the recipient's organization due to a policy restriction.",
    ),
    "sender": ("** Message not delivered ** You have reached a limit for sending mail. Your message was not sent.",),
    "unclear": (
        "** Message not delivered ** There was a problem delivering your message to {email}. See the technical details",
        "Undeliverable: the following message to {email} was undeliverable.",
    ),
}


def reply_text(seed: int, disposition: Disposition, key: str) -> str:
    """One of the answers that fit a person's disposition."""
    texts = REPLIES[disposition]
    return texts[int(unit(seed, "wording", key) * len(texts))]


def automatic_reply(seed: int, key: str, subject: str) -> tuple[str, str]:
    """Subject and body of an absence notice."""
    heading, body = AUTOMATIC[int(unit(seed, "wording", key) * len(AUTOMATIC))]
    return heading.format(subject=subject), body


def notice_text(seed: int, kind: str, email: str, key: str) -> str:
    """The beginning of a bounce notice, as far as Smartlead passes it on."""
    texts = NOTICES[kind]
    return texts[int(unit(seed, "notice", key) * len(texts))].format(email=email)[:CUT_AT]
