/* Sends the browser on to the sign-in of the EHR. Without this script the button of the page does the same. */
document.getElementById("authorize").submit();
