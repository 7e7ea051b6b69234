// Carries the authorization request on; without scripts the button does.
document.forms[0].submit();
